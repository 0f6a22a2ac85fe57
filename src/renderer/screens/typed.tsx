import type { CSSProperties, ReactElement } from 'react';
import screens from './screens.module.css';

/** More letters than these do not fit in a line at the size of the others. */
const LONG = 14;

/**
 * A number as it is typed, in one line however long it is.
 *
 * @param digits what of it was typed so far, for tests
 */
export function Typed({
  text,
  digits,
}: {
  readonly text: string;
  readonly digits?: string;
}): ReactElement {
  const isLong = text.length > LONG;
  const style = { '--chars': text.length } as CSSProperties;
  return (
    <output
      className={`${screens['typed']} ${screens['typedRef']} ${isLong ? screens['typedLong'] : ''}`}
      style={style}
      data-typed={digits}
    >
      {text}
    </output>
  );
}
