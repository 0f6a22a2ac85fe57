/** A quick tap is seen all the same: so long its mark stays, ms. */
export const SEEN_MS = 120;

/** A timer. @returns what takes it back */
export type After = (ms: number, then: () => void) => () => void;

const afterMs: After = (ms, then) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};

/**
 * Marks the control that a finger goes down on (`data-pressed`, theme/press.css), at once and
 * without asking anybody: the core's answer changes the screen a moment later. Controls that hear
 * nothing now are not marked. Returns how to stop.
 */
export function showPresses(
  target: Pick<Window, 'addEventListener' | 'removeEventListener'>,
  after: After = afterMs,
): () => void {
  let marked: Element | null = null;
  let seen = false;
  let up = false;
  let cancel = (): void => undefined;

  const clear = (): void => {
    marked?.removeAttribute('data-pressed');
    marked = null;
  };
  const down = (event: Event): void => {
    cancel();
    clear();
    const { target: hit } = event;
    marked = hit instanceof Element ? hit.closest('button:enabled') : null;
    if (marked === null) return;
    marked.setAttribute('data-pressed', '');
    [seen, up] = [false, false];
    cancel = after(SEEN_MS, () => {
      seen = true;
      if (up) clear();
    });
  };
  const over = (): void => {
    up = true;
    if (seen) clear();
  };
  const kinds = [
    ['pointerdown', down],
    ['pointerup', over],
    ['pointercancel', over],
  ] as const;
  for (const [kind, listener] of kinds) target.addEventListener(kind, listener, { capture: true });
  return () => {
    cancel();
    clear();
    for (const [kind, listener] of kinds)
      target.removeEventListener(kind, listener, { capture: true });
  };
}
