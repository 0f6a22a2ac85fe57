// Draws every screen in every format, language and text size in a real Chromium, checks that
// nothing overflows, is clipped, overlaps, is too small to touch or too faint to read, and writes
// the pictures to docs/screens.
// Usage: node scripts/screens.mjs [--check] [--axe] [--once] [--kept] [name part…]
//   --check draws and checks without writing · --axe asks axe-core besides (WCAG 2.2, A and AA)
//   --kept draws the pictures that are kept, and nothing else (a minute instead of a quarter of an hour)
//   --once each screen once, formats, languages and modes by turns, so that any two of them meet
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { loadStaticFiles, securityHeaders } from '../src/main/shell/static-files.ts';
import { PLAIN_ACCESS } from '../src/shared/contract/index.ts';
import { screenFixtures } from '../test/support/screens-fixtures.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const outDir = path.join(root, 'docs', 'screens');
const args = process.argv.slice(2);
const once = args.includes('--once');
const keptOnly = args.includes('--kept');
const checkOnly = once || args.includes('--check');
const axeSource = args.includes('--axe')
  ? readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  : null;
const only = args.filter((arg) => !arg.startsWith('--'));

const FORMATS = {
  portrait: { width: 1080, height: 1920 },
  landscape: { width: 1280, height: 1024 },
  small: { width: 768, height: 1366 },
  wide: { width: 1920, height: 1080 },
};
const LOCALES = { zh: 'zh-CN', en: 'en' };
/**
 * The panels that are drawn: 21.5 inches upright in a stand, 17 inches in a desk, 15.6 inches
 * upright on a wall, 21.5 inches lying.
 */
const PANELS = {
  portrait: { widthMm: 268, heightMm: 476, bottomMm: 850 },
  landscape: { widthMm: 338, heightMm: 270, bottomMm: 950 },
  small: { widthMm: 194, heightMm: 345, bottomMm: 900 },
  wide: { widthMm: 476, heightMm: 268, bottomMm: 950 },
};
/** How customers have the screen: as it is, each mode, and all of them at once. */
const SIZES = {
  normal: {},
  large: { largeText: true },
  low: { lowReach: true },
  contrast: { highContrast: true },
  all: { largeText: true, lowReach: true, highContrast: true },
};
/** Of all combinations one for each screen: the next one in a round, so that pairs meet early. */
const ROUND = Object.keys(SIZES).flatMap((size, s) =>
  Object.keys(FORMATS).flatMap((format, f) =>
    Object.keys(LOCALES).map((lang, l) => ({
      size,
      format,
      lang,
      at: (s * 6 + f * 10 + l * 21) % 40,
    })),
  ),
);
ROUND.sort((a, b) => a.at - b.at);
const turnOf = (index) => ROUND[index % ROUND.length];
/** Pictures are made at this share of the panel's pixels: small files, the same layout. */
const PICTURE_SCALE = 0.5;
const WEBP_QUALITY = 70;
/** The repository keeps every version of every picture: a redraw must not weigh it down. */
const MOST_PICTURES = 220;
const MOST_BYTES = 5_000_000;

/**
 * The pictures that are kept, flow by flow, each as `screen--variant` or all of a screen
 * (`screen--`). Every screen has its portrait in Chinese; `full` ones are kept in English, in large
 * text and on a landscape panel too. Everything else is drawn and checked all the same.
 */
const FLOWS = [
  {
    title: 'Recharging a card',
    full: ['start--ready', 'amount--quoted', 'pay--waiting', 'writing--', 'done--take-card'],
    shown: ['start--', 'reading--', 'amount--', 'confirm-sum--', 'pay--', 'writing--', 'done--'],
  },
  {
    title: 'Without a card',
    full: ['user-no--typed', 'top-up--chosen'],
    shown: ['user-no--', 'is-it-you--', 'top-up--', 'bills--', 'contract--'],
  },
  { title: 'What the card says', full: ['card-info--online'], shown: ['card-info--'] },
  {
    title: 'My account',
    full: ['my-account--abnormal'],
    shown: ['my-account-no--', 'my-account--'],
  },
  {
    title: 'A card that cannot be sold to',
    full: ['cannot-sell--not-visited'],
    shown: ['cannot-sell--', 'take-card--', 'cancelled--'],
  },
  {
    title: 'When something goes wrong after paying',
    full: ['in-doubt--card', 'refunding--refunding'],
    shown: ['in-doubt--', 'refunding--', 'insert-card--', 'unfinished--', 'order-status--'],
  },
  {
    title: 'Repairs and visits',
    full: [],
    shown: ['request--'],
  },
  { title: 'What the hall tells', full: [], shown: ['info--'] },
  { title: 'Out of service', full: ['out-of-service--reader'], shown: ['out-of-service--'] },
  {
    title: 'Maintenance',
    full: ['maintenance--devices'],
    shown: ['maintenance-pin--', 'maintenance--'],
  },
];
/** These in each of the access bar's modes. */
const ACCESS_SHOWN = ['start--ready', 'amount--quoted', 'pay--waiting'];
const among = (names, key) => names.some((n) => (n.endsWith('--') ? key.startsWith(n) : key === n));
/** Is this drawing one of the pictures that are kept? */
function isKept(key, format, lang, size) {
  // Drawn so that it is checked; nobody learns from it how the screen looks.
  if (key.endsWith('-longest') || key.endsWith('--longest')) return false;
  const portrait = format === 'portrait' && size === 'normal';
  if (portrait && lang === 'zh') return true;
  const other = portrait || (format === 'landscape' && lang === 'zh' && size === 'normal');
  const large = format === 'portrait' && lang === 'zh' && size === 'large';
  if (format === 'portrait' && lang === 'zh' && among(ACCESS_SHOWN, key)) return true;
  return (other || large) && FLOWS.some((flow) => among(flow.full, key));
}

const BROWSERS = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];
const executablePath = BROWSERS.find((file) => file !== undefined && existsSync(file));
if (executablePath === undefined) {
  console.error('screens: no Chromium found; install one or set CHROMIUM_PATH');
  process.exit(1);
}

execFileSync(process.execPath, [path.join(root, 'scripts', 'build.mjs'), 'renderer', 'voice'], {
  stdio: 'inherit',
});
const files = loadStaticFiles(path.join(root, 'dist', 'renderer'));
const server = createServer((request, response) => {
  const file = files.get(new URL(request.url, 'http://x').pathname);
  response.writeHead(file === undefined ? 404 : 200, {
    ...securityHeaders(),
    'Content-Type': file?.type ?? 'text/plain',
  });
  response.end(file?.body);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

/**
 * Runs in the page: what is wrong with what is drawn.
 *
 * @param ends the screen has a time after which it ends by itself
 */
function inspect(ends) {
  const problems = [];
  const name = (el) =>
    `<${el.tagName.toLowerCase()}${el.dataset?.intent ? ` data-intent=${el.dataset.intent}` : ''} class="${String(el.getAttribute('class') ?? '')}"> ${(el.textContent ?? '').trim().slice(0, 30)}`;
  const width = innerWidth;
  const height = innerHeight;
  const lowered = document.querySelector('[data-screen]')?.parentElement.firstElementChild;
  const low =
    lowered?.dataset.screen === undefined && lowered?.dataset.spokenBanner === undefined
      ? Number(document.documentElement.style.getPropertyValue('--low-to'))
      : 0;
  const mmPx = parseFloat(document.documentElement.style.getPropertyValue('--mm'));
  const isLarge = document.documentElement.dataset.text === 'large';
  const isStaff = document.querySelector('[data-screen^="maintenance"]') !== null;
  // A screen that is larger than its place is moved past it (scroll.tsx): what is above or below
  // is to be had, what sticks out sideways is not.
  const port =
    document.documentElement.dataset.scrolls === 'yes'
      ? document.querySelector('[data-scrollport]')
      : null;
  const isMoved = (el) => port !== null && port !== el && port.contains(el);
  const layerOf = (el) => {
    if (!isMoved(el)) return 'still';
    for (let up = el; up !== port; up = up.parentElement)
      if (getComputedStyle(up).position === 'sticky') return 'stays';
    return 'moved';
  };
  if (port !== null) {
    const view = port.getBoundingClientRect();
    if (port.scrollHeight > port.clientHeight * 4) problems.push('more than four pages to move');
    for (const el of port.querySelectorAll('*')) {
      if (getComputedStyle(el).position !== 'sticky') continue;
      const box = el.getBoundingClientRect();
      if (box.bottom > view.bottom + 2)
        problems.push(`what can be done is out of sight: ${name(el)}`);
      if (box.height > view.height * 0.45) problems.push(`hides what it stays before: ${name(el)}`);
    }
    const main = port.querySelector('h1, h2');
    if (main !== null && main.getBoundingClientRect().bottom > view.bottom)
      problems.push('the heading is out of sight');
  }
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const el = node.parentElement;
    if (!node.data.trim() || el.closest('[data-spoken]') || el.closest('script,style')) continue;
    // For those who listen.
    if (getComputedStyle(el).clipPath !== 'none') continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) {
      if (r.width < 1) continue;
      const isAway = !isMoved(el) && (r.top < -1 || r.bottom > height + 1);
      if (r.left < -1 || r.right > width + 1 || isAway)
        problems.push(`text off the screen: ${name(el)}`);
      for (let up = el; up && up !== document.body && up !== port; up = up.parentElement) {
        if (['inline', 'contents'].includes(getComputedStyle(up).display)) continue;
        const box = up.getBoundingClientRect();
        // A line box may be a little taller than a tight line-height; sideways nothing may stick
        // out.
        const slack = parseFloat(getComputedStyle(el).fontSize) * 0.3;
        if (
          r.left < box.left - 2 ||
          r.right > box.right + 2 ||
          r.top < box.top - slack ||
          r.bottom > box.bottom + slack
        )
          problems.push(`text outside its box ${name(up)}: ${name(el)}`);
      }
      texts.push({ el, r });
    }
    const style = getComputedStyle(el);
    const rgb = (css) => (css.match(/[\d.]+/g) ?? []).map(Number);
    let back = null;
    for (let up = el; up && back === null; up = up.parentElement) {
      const s = getComputedStyle(up);
      // The start screen's: where it is lightest.
      if (s.backgroundImage.includes('gradient')) back = [7, 68, 181];
      else if ((rgb(s.backgroundColor)[3] ?? 1) > 0.9 && s.backgroundColor !== 'transparent')
        back = rgb(s.backgroundColor);
    }
    const light = ([r, g, b]) =>
      [r, g, b]
        .map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const [a, b] = [light(rgb(style.color)), light(back ?? [255, 255, 255])].toSorted(
      (x, y) => y - x,
    );
    const contrast = (a + 0.05) / (b + 0.05);
    // What can't be pressed now is fainter, and larger; technicians are not in a dark hall.
    const isFaint = el.closest(':disabled') !== null || isStaff || el.closest('[data-demo]');
    if (contrast < (isFaint ? 4.5 : 7))
      problems.push(`contrast ${contrast.toFixed(2)}: ${name(el)}`);
    // A capital of this font is 0.73 of its size; a Chinese character is larger.
    const capMm = (parseFloat(style.fontSize) * 0.73) / mmPx;
    if (!isStaff && capMm < (isLarge ? 4.5 : 3))
      problems.push(`text of ${capMm.toFixed(1)} mm: ${name(el)}`);
  }
  for (const [i, one] of texts.entries()) {
    for (const two of texts.slice(i + 1)) {
      if (one.el === two.el || layerOf(one.el) !== layerOf(two.el)) continue;
      const x = Math.min(one.r.right, two.r.right) - Math.max(one.r.left, two.r.left);
      const y = Math.min(one.r.bottom, two.r.bottom) - Math.max(one.r.top, two.r.top);
      if (x > 2 && y > Math.min(one.r.height, two.r.height) * 0.35)
        problems.push(`texts overlap: ${name(one.el)} / ${name(two.el)}`);
    }
  }
  const boxes = [...document.querySelectorAll('[data-screen] *')].filter(
    (el) => !el.closest('svg') || el.tagName === 'svg',
  );
  for (const el of boxes) {
    const box = el.getBoundingClientRect();
    const isAway = !isMoved(el) && (box.top < -1 || box.bottom > height + 1);
    if (box.left < -1 || box.right > width + 1 || isAway)
      problems.push(`off the screen: ${name(el)}`);
    let parent = el.parentElement;
    while (getComputedStyle(parent).display === 'contents') parent = parent.parentElement;
    const up = parent.getBoundingClientRect();
    // Upright the place of a moved screen has no end.
    const isEnclosed = parent !== port;
    const style = getComputedStyle(el);
    if (
      style.position !== 'absolute' &&
      style.display !== 'inline' &&
      style.display !== 'contents' &&
      style.display !== 'none' &&
      style.position !== 'sticky' &&
      el !== port &&
      !el.closest('[hidden]') &&
      box.height > 0 &&
      ((isEnclosed && box.bottom > up.bottom + 2) ||
        box.right > up.right + 2 ||
        (isEnclosed && box.top < up.top - 2) ||
        box.left < up.left - 2)
    )
      problems.push(
        `sticks out of its parent by ${Math.round(Math.max(box.bottom - up.bottom, box.right - up.right, up.top - box.top, up.left - box.left))} px: ${name(el)}`,
      );
  }
  const targets = [...document.querySelectorAll('[data-intent],[data-key],[data-local]')].filter(
    (el) => el.getClientRects().length > 0,
  );
  for (const [i, el] of targets.entries()) {
    const box = el.getBoundingClientRect();
    const mm = parseFloat(document.documentElement.style.getPropertyValue('--mm'));
    // Half a pixel is rounding.
    if (Math.min(box.width, box.height) < 16 * mm - 0.5)
      problems.push(
        `touch target ${(box.width / mm).toFixed(1)} × ${(box.height / mm).toFixed(1)} mm: ${name(el)}`,
      );
    if (low && !isMoved(el) && box.top < height * (1 - low) - 1)
      problems.push(`out of reach: ${name(el)}`);
    for (const other of targets.slice(i + 1)) {
      if (layerOf(el) !== layerOf(other)) continue;
      const o = other.getBoundingClientRect();
      if (
        Math.min(box.right, o.right) > Math.max(box.left, o.left) &&
        Math.min(box.bottom, o.bottom) > Math.max(box.top, o.top)
      )
        problems.push(`touch targets overlap: ${name(el)} / ${name(other)}`);
    }
  }
  // By keys: in the order in which it is read, so never back up in one column.
  for (const [i, two] of targets.entries()) {
    const one = targets[i - 1];
    if (one === undefined || layerOf(one) !== layerOf(two)) continue;
    const a = one.getBoundingClientRect();
    const b = two.getBoundingClientRect();
    const sameColumn = Math.min(a.right, b.right) - Math.max(a.left, b.left) > 4;
    if (sameColumn && b.bottom <= a.top + 1)
      problems.push(`reached by keys before what stands above: ${name(one)} / ${name(two)}`);
    if (two.tabIndex !== 0) problems.push(`not reached by keys: ${name(two)}`);
  }
  // Nobody is held: each screen has a way out, or nothing to wait for but its own end.
  const screen = document.querySelector('[data-screen]')?.dataset.screen ?? '';
  const ENDS_ITSELF = ['start', 'reading', 'writing', 'take-card', 'cancelled', 'out-of-service'];
  const WAY_OUT = ['exit', 'back', 'cancel', 'leave', 'not-me', 'request-back', 'keypad-close'];
  const isPaying = screen === 'pay' || screen === 'in-doubt' || screen === 'unfinished';
  // What is being asked for is answered, or not, in a time of its own.
  const main = document.querySelector('main');
  const isOffered = (el) => !el.disabled && !el.dataset.local?.startsWith('scroll');
  const isAsking =
    (ends || screen === 'order-status') &&
    !targets.some((el) => main.contains(el) && isOffered(el));
  if (
    !isAsking &&
    !ENDS_ITSELF.includes(screen) &&
    !isPaying &&
    screen !== 'done' &&
    screen !== 'refunding' &&
    !targets.some((el) => !el.disabled && WAY_OUT.includes(el.dataset.intent))
  )
    problems.push('no way out');
  const qr = document.querySelector('[data-qr]');
  const pxPerMm = parseFloat(document.documentElement.style.getPropertyValue('--mm'));
  // What is paid by is read from a step away; a receipt's code from the hand.
  const leastMm = document.querySelector('[data-screen="pay"]') ? 60 : 36;
  if (qr && qr.getBoundingClientRect().width < leastMm * pxPerMm)
    problems.push(`the QR code is smaller than ${leastMm} mm`);
  return [...new Set(problems)];
}

/** WCAG 2.2 A and AA by axe-core: what it is sure of. Runs in the page. */
async function askAxe() {
  const { violations } = await globalThis.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    // Pinching a kiosk's page apart would leave it so for the next one: large text is a switch.
    rules: { 'meta-viewport': { enabled: false } },
    resultTypes: ['violations'],
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html }) => `axe ${id}: ${html.slice(0, 160)}`),
  );
}

const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-background-networking'],
});
const failures = [];
const written = new Map();
let drawn = 0;
if (!checkOnly && only.length === 0) {
  mkdirSync(outDir, { recursive: true });
  for (const file of readdirSync(outDir))
    if (/\.(png|webp)$/.test(file)) rmSync(path.join(outDir, file));
}
for (const [format, viewport] of Object.entries(FORMATS)) {
  const context = await browser.newContext({
    viewport,
    deviceScaleFactor: 1,
    reducedMotion: 'reduce',
    locale: 'en-GB',
  });
  await context.addInitScript(() => {
    globalThis.__sent = [];
    // Screens are looked at here: they have no sound device, and say nothing.
    delete globalThis.AudioContext;
    globalThis.pilotlight = {
      onSnapshot: (callback) => {
        globalThis.__push = callback;
        return () => undefined;
      },
      send: (intent) => globalThis.__sent.push(intent),
    };
  });
  if (axeSource !== null) await context.addInitScript({ content: axeSource });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  page.on('console', (message) => {
    if (message.type() === 'error') failures.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => failures.push(`page: ${error.message}`));
  await page.goto(url);
  await page.evaluate(() => document.fonts.ready);
  for (const [lang, locale] of Object.entries(LOCALES)) {
    for (const [size, modes] of Object.entries(SIZES)) {
      const fixtures = screenFixtures(locale, { ...PLAIN_ACCESS, ...modes });
      for (const [index, fixture] of fixtures.entries()) {
        const turn = turnOf(index);
        if (once && (turn.size !== size || turn.format !== format || turn.lang !== lang)) continue;
        const snapshot = {
          ...fixture.snapshot,
          header: { ...fixture.snapshot.header, panel: PANELS[format] },
        };
        const file = `${fixture.screen}--${fixture.variant}-${format}-${lang}${size === 'normal' ? '' : `-${size}`}`;
        if (only.length > 0 && !only.some((part) => file.includes(part))) continue;
        const key = `${fixture.screen}--${fixture.variant}`;
        const kept = fixture.checkOnly !== true && isKept(key, format, lang, size);
        if (keptOnly && !kept) continue;
        // Through another screen first: nothing local may be carried over from the last picture.
        await page.evaluate(
          (s) => globalThis.__push({ ...s, screen: 'reading', stage: 'card' }),
          snapshot,
        );
        await page.evaluate((s) => globalThis.__push(s), snapshot);
        await page.waitForSelector(`[data-screen="${fixture.screen}"]`);
        if (fixture.keys !== undefined) {
          await page.click('[data-local="keypad"]');
          for (const key of fixture.keys) await page.click(`[data-key="${key}"]`);
        }
        for (const selector of fixture.taps ?? []) await page.click(selector);
        await page.evaluate(() => {
          document.activeElement?.blur();
          // The finger is gone from the last key.
          document.querySelector('[data-pressed]')?.removeAttribute('data-pressed');
          return new Promise((resolve) =>
            requestAnimationFrame(() => requestAnimationFrame(resolve)),
          );
        });
        drawn += 1;
        for (const problem of await page.evaluate(inspect, typeof snapshot.deadlineMs === 'number'))
          failures.push(`${file}: ${problem}`);
        if (axeSource !== null)
          for (const problem of await page.evaluate(askAxe)) failures.push(`${file}: ${problem}`);
        if (checkOnly || (!kept && only.length === 0)) continue;
        const { data } = await devtools.send('Page.captureScreenshot', {
          format: 'webp',
          quality: WEBP_QUALITY,
          clip: { x: 0, y: 0, ...viewport, scale: PICTURE_SCALE },
        });
        writeFileSync(path.join(outDir, `${file}.webp`), Buffer.from(data, 'base64'));
        written.set(key, [...(written.get(key) ?? []), file]);
      }
    }
  }
  await context.close();
}
await browser.close();
server.close();

if (!checkOnly && only.length === 0) {
  const picture = (file) =>
    `<img src="${file}.webp" height="${file.includes('-landscape') ? 220 : 420}" alt="${file}">`;
  const flows = FLOWS.map(({ title, shown }) => {
    const keys = [...written.keys()].filter((key) => among(shown, key));
    const rows = keys.map(
      (key) => `| ${key.replace('--', ': ')} | ${written.get(key).map(picture).join(' ')} |`,
    );
    return `## ${title}\n\n| screen | |\n|---|---|\n${rows.join('\n')}\n`;
  });
  const homeless = [...written.keys()].filter((key) => !FLOWS.some((f) => among(f.shown, key)));
  if (homeless.length > 0) failures.push(`in no flow (FLOWS): ${homeless.join(', ')}`);
  writeFileSync(
    path.join(outDir, 'README.md'),
    `# Screens

The kiosk's screens by flow, as Chromium draws them, at ${PICTURE_SCALE * 100} % of the panel's pixels (portrait 1080×1920, landscape 1280×1024). Each is here in Chinese on a portrait panel; the main ones in English, in large text, in low reach, in high contrast and on a landscape panel too. Made by \`npm run screens\`, which draws and checks every screen in both languages, formats and with every mode of the access bar, for overflow, overlap, touch targets under 16 mm, text under 3 mm (4.5 mm in large text), what is out of a seated person's reach, contrast under 7:1, the order in which keys reach it, and a way out. Two more panels, 15.6 inches upright (768×1366) and 21.5 inches lying (1920×1080), are drawn and checked the same way and not kept.

${flows.join('\n')}`,
  );
  const bytes = readdirSync(outDir).reduce(
    (sum, file) => sum + statSync(path.join(outDir, file)).size,
    0,
  );
  const pictures = [...written.values()].flat().length;
  if (pictures > MOST_PICTURES || bytes > MOST_BYTES)
    failures.push(`${pictures} pictures of ${bytes} bytes: too many to keep (FLOWS)`);
  console.log(`screens: ${pictures} pictures, ${(bytes / 1e6).toFixed(1)} MB, in docs/screens`);
}
console.log(`screens: ${drawn} drawn and checked`);
if (failures.length > 0) {
  console.error(
    `screens: ${failures.length} problems\n${[...new Set(failures)].map((line) => `  ${line}`).join('\n')}`,
  );
  process.exit(1);
}
