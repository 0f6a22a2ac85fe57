/**
 * Steps of tightening: 1 and 2 take from the empty space and the pictures, 3 and further a little
 * from the text.
 */
const LEVELS = { space: 3, text: 7 } as const;

/**
 * What is cut off is lost on the customer. When a long sentence, a third tier or large text does
 * not fit, the screen is tightened step by step (tokens.css, `data-fit`) until everything is inside
 * its box. Who asked for large text has it: of that nothing is taken back. A screen that does not
 * fit then is moved by buttons (`data-scrolls`, scroll.tsx).
 */
export function fit(scope: HTMLElement): void {
  const { dataset } = document.documentElement;
  const port = scope.querySelector<HTMLElement>('[data-scrollport]');
  const at = port?.scrollTop ?? 0;
  const levels = dataset['text'] === 'large' ? LEVELS.space : LEVELS.text;
  dataset['scrolls'] = 'no';
  for (let level = 0; level < levels; level += 1) {
    dataset['fit'] = String(level);
    if (!overflows(scope)) return;
  }
  dataset['fit'] = String(LEVELS.space - 1);
  dataset['scrolls'] = 'yes';
  if (port !== null) port.scrollTop = at;
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
