/**
 * Steps of tightening: 1 and 2 take from the empty space and the pictures, 3 and further a little
 * from the text.
 */
const LEVELS = { space: 3, text: 7 } as const;
/** Layouts that are remembered: a day's; those of all screens in every mode are more. */
const REMEMBERED = 500;

/** What was found to fit, by what is drawn and on what. Oldest first. */
const known = new Map<string, number>();
/** The level where the search begins, by screen: a screen's contents differ less than screens do. */
const usual = new Map<string, number>();
/** What keepFitting has heard of; fitting answers all of it. */
let heard: MutationObserver | null = null;

/**
 * What is cut off is lost on the customer. When a long sentence, a third tier or large text does
 * not fit, the screen is tightened step by step (tokens.css, `data-fit`) until everything is inside
 * its box. Who asked for large text has it: of that nothing is taken back. A screen that does not
 * fit then is moved by buttons (`data-scrolls`, scroll.tsx).
 *
 * Measuring makes the browser lay the page out at once, for each level anew; so a layout that was
 * seen before is not measured again.
 */
export function fit(scope: HTMLElement): void {
  heard?.takeRecords();
  const root = document.documentElement;
  const around = surroundings(root);
  const seen = hash(`${around}\n${shapeOf(scope)}`);
  const place = `${around}\n${scope.querySelector<HTMLElement>('[data-screen]')?.dataset['screen'] ?? ''}`;
  const port = scope.querySelector<HTMLElement>('[data-scrollport]');
  const at = port?.scrollTop ?? 0;
  let level = known.get(seen);
  if (level === undefined) {
    level = tightest(scope, root, usual.get(place) ?? 0);
    known.set(seen, level);
    if (known.size > REMEMBERED) known.delete(known.keys().next().value as string);
  }
  usual.set(place, level);
  draw(root, level);
  // What was moved stays where it was: while it was measured it had no place to be moved in.
  if (port !== null && port.scrollTop !== at) port.scrollTop = at;
}

/** The tightest level; from here on the screen is moved. */
const levelsOf = (root: HTMLElement): number =>
  root.dataset['text'] === 'large' ? LEVELS.space : LEVELS.text;

/** An attribute that is set to what it was costs a new style of everything all the same. */
function set(root: HTMLElement, name: 'fit' | 'scrolls', value: string): void {
  if (root.dataset[name] !== value) root.dataset[name] = value;
}

function draw(root: HTMLElement, level: number): void {
  const isMoved = level >= levelsOf(root);
  set(root, 'fit', String(isMoved ? LEVELS.space - 1 : level));
  set(root, 'scrolls', isMoved ? 'yes' : 'no');
}

/** The first level that fits. Looked for from the usual one on. */
function tightest(scope: HTMLElement, root: HTMLElement, from: number): number {
  const moved = levelsOf(root);
  const fits = (level: number): boolean => {
    draw(root, level);
    return level >= moved || !overflows(scope);
  };
  let level = Math.min(from, moved);
  if (fits(level)) {
    while (level > 0 && fits(level - 1)) level -= 1;
    return level;
  }
  while (!fits(level)) level += 1;
  return level;
}

/** What a layout depends on beside what is drawn. */
function surroundings(root: HTMLElement): string {
  const { lang, dataset, style } = root;
  return [
    innerWidth,
    innerHeight,
    lang,
    dataset['text'],
    dataset['reach'],
    style.cssText,
    document.fonts.status,
  ].join(' ');
}

/** What is drawn, figures aside: they are all of one width (tokens.css, tabular-nums). */
function shapeOf(scope: HTMLElement): string {
  return scope.innerHTML.replaceAll(/\d/g, '0');
}

/** 53 bits (cyrb53): of a few thousand layouts no two are taken for one another. */
function hash(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 2_654_435_761);
    b = Math.imul(b ^ code, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return `${text.length} ${(b >>> 0).toString(36)}${(a >>> 0).toString(36)}`;
}

/** True when any element sticks out of the one it stands in, or holds text wider than itself. */
function overflows(scope: HTMLElement): boolean {
  const boxes = new Map<Element, DOMRect>();
  const boxOf = (el: Element): DOMRect => {
    const box = boxes.get(el) ?? el.getBoundingClientRect();
    boxes.set(el, box);
    return box;
  };
  for (const el of scope.querySelectorAll('header *, main, main *, footer *')) {
    const parent = el.parentElement;
    if (parent === null || (el instanceof SVGElement && el.ownerSVGElement !== null)) continue;
    const box = boxOf(el);
    const outer = boxOf(parent);
    const out =
      box.bottom > outer.bottom + 1.5 ||
      box.right > outer.right + 1.5 ||
      box.top < outer.top - 1.5 ||
      box.left < outer.left - 1.5;
    const wide = el.clientWidth > 0 && el.scrollWidth > el.clientWidth + 1;
    // Asked of the few that look wrong only: a style costs more than a box.
    if ((out || wide) && isLaidOut(el)) return true;
  }
  return false;
}

function isLaidOut(el: Element): boolean {
  const { position, display } = getComputedStyle(el);
  return position !== 'absolute' && display !== 'inline' && display !== 'none';
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
  heard = changes;
  window.addEventListener('resize', again);
  void document.fonts.ready.then(again);
  again();
  return () => {
    changes.disconnect();
    heard = null;
    window.removeEventListener('resize', again);
  };
}
