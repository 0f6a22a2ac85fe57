import { PLAIN_ACCESS } from '../../shared/contract/access.ts';
import type { Panel, Snapshot } from '../../shared/contract/index.ts';

/** How high and how low a seated person reaches, above the floor (EN 301 549, 8.3.2.1 and 8.3.2.2). */
const REACH_MM = { high: 1_220, low: 380 } as const;
/** Where nobody measured the panel: its share that is within reach, as most are mounted. */
const USUAL_REACH = { from: 0, to: 0.75 } as const;
/** No screen is drawn on less of the panel: what does not fit helps nobody. */
const LEAST_SHARE = 0.6;

/**
 * The part of the panel's height that a seated person reaches, as shares of it from its lower edge.
 * A panel that is mounted so high or so low that too little is left is used a little beyond.
 */
export function reachOf(panel: Panel | null): { readonly from: number; readonly to: number } {
  if (panel === null) return USUAL_REACH;
  const share = (mm: number): number =>
    Math.min(1, Math.max(0, (mm - panel.bottomMm) / panel.heightMm));
  const to = Math.max(share(REACH_MM.high), LEAST_SHARE);
  return { from: Math.min(share(REACH_MM.low), to - LEAST_SHARE), to };
}

/** CSS pixels in a millimetre of this panel. Unknown: those of a 21.5 inch panel, upright or not. */
export function pxPerMm(panel: Panel | null, width: number, height: number): number {
  if (panel !== null) return Math.min(width / panel.widthMm, height / panel.heightMm);
  return Math.max(width, height) / 476;
}

/**
 * Gives the style sheets what they draw by: the access modes as attributes of the root, the panel
 * as lengths (`--mm`, `--low-from`, `--low-to`).
 */
export function drawAccess(root: HTMLElement, snapshot: Snapshot | null): void {
  const { largeText, lowReach, highContrast } = snapshot?.access ?? PLAIN_ACCESS;
  const isStaff = snapshot?.screen === 'maintenance';
  root.dataset['text'] = !largeText ? 'normal' : isStaff ? 'staff' : 'large';
  root.dataset['reach'] = lowReach ? 'low' : 'whole';
  root.dataset['contrast'] = highContrast ? 'high' : 'normal';
  const panel = snapshot?.header.panel ?? null;
  const { from, to } = reachOf(panel);
  const { style } = root;
  style.setProperty('--mm', `${pxPerMm(panel, innerWidth, innerHeight)}px`);
  style.setProperty('--low-from', String(from));
  style.setProperty('--low-to', String(to));
}
