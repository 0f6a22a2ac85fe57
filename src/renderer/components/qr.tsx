import type { ReactElement } from 'react';
import { useMemo } from 'react';
import { encode } from 'uqr';

/** Modules of white around the code that scanners need. */
export const QUIET_MODULES = 4;

/** The code's size in modules (quiet zone included) and one path over its black modules. */
export function qrPath(text: string): { readonly size: number; readonly path: string } {
  const { data, size } = encode(text, { ecc: 'M', border: QUIET_MODULES });
  let path = '';
  for (const [y, row] of data.entries()) {
    for (let x = 0; x < row.length; x += 1) {
      if (row[x] !== true) continue;
      let end = x + 1;
      while (row[end] === true) end += 1;
      path += `M${x} ${y}h${end - x}v1h-${end - x}z`;
      x = end;
    }
  }
  return { size, path };
}

/** A QR code as one sharp SVG path, black on white whatever the theme. */
export function Qr({
  text,
  className,
  label,
}: {
  readonly text: string;
  readonly className: string | undefined;
  readonly label: string;
}): ReactElement {
  const { size, path } = useMemo(() => qrPath(text), [text]);
  return (
    <svg
      className={className}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      role="img"
      aria-label={label}
      data-qr={text}
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
