/**
 * Steps of tightening: 1 and 2 take from the empty space and the pictures, 3 and further a little
 * from the text.
 */
const LEVELS = 7;

/**
 * Nothing on a kiosk scrolls, and what is cut off is lost on the customer. When a long sentence, a
 * third tier or large text does not fit, the screen is tightened step by step (tokens.css,
 * `data-fit`) until everything is inside its box.
 */
export function fit(scope: HTMLElement): void {
  const root = document.documentElement;
  for (let level = 0; level < LEVELS; level += 1) {
    root.dataset['fit'] = String(level);
    if (!overflows(scope)) return;
  }
}

/** True when any element sticks out of the one it stands in, or holds text wider than itself. */
function overflows(scope: HTMLElement): boolean {
  for (const el of scope.querySelectorAll('header *, main, main *, footer *')) {
    const parent = el.parentElement;
    if (parent === null || (el instanceof SVGElement && el.ownerSVGElement !== null)) continue;
    const style = getComputedStyle(el);
    if (style.position === 'absolute' || style.display === 'inline' || style.display === 'none')
      continue;
    const box = el.getBoundingClientRect();
    const outer = parent.getBoundingClientRect();
    if (
      box.bottom > outer.bottom + 1.5 ||
      box.right > outer.right + 1.5 ||
      box.top < outer.top - 1.5 ||
      box.left < outer.left - 1.5
    )
      return true;
    if (el.clientWidth > 0 && el.scrollWidth > el.clientWidth + 1) return true;
  }
  return false;
}

/** Fits now and whenever what is drawn, or the panel, changes; returns how to stop. */
export function keepFitting(scope: HTMLElement): () => void {
  const again = (): void => fit(scope);
  // Runs after each change and before it is painted.
  const changes = new MutationObserver((records) => {
    // A ticking clock changes no layout worth measuring four times a second.
    if (records.some((record) => record.type === 'childList')) again();
  });
  changes.observe(scope, { childList: true, subtree: true });
  window.addEventListener('resize', again);
  void document.fonts.ready.then(again);
  again();
  return () => {
    changes.disconnect();
    window.removeEventListener('resize', again);
  };
}
