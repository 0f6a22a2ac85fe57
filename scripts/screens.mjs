// Draws every screen in every format, language and text size in a real Chromium, checks that
// nothing overflows, is clipped, overlaps, is too small to touch or too faint to read, and writes
// the pictures to docs/screens.
// Usage: node scripts/screens.mjs [--check] [name part…]      --check draws and checks without
// writing
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { loadStaticFiles, securityHeaders } from '../src/main/shell/static-files.ts';
import { screenFixtures } from '../test/support/screens-fixtures.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const outDir = path.join(root, 'docs', 'screens');
const args = process.argv.slice(2);
const checkOnly = args.includes('--check');
const only = args.filter((arg) => !arg.startsWith('--'));

const FORMATS = {
  portrait: { width: 1080, height: 1920 },
  landscape: { width: 1280, height: 1024 },
};
const LOCALES = { zh: 'zh-CN', en: 'en' };
/** Pictures are made at this share of the panel's pixels: small files, the same layout. */
const PICTURE_SCALE = 0.5;

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

execFileSync(process.execPath, [path.join(root, 'scripts', 'build.mjs'), 'renderer'], {
  stdio: 'inherit',
});
const files = loadStaticFiles(path.join(root, 'dist', 'renderer'));
const server = createServer((request, response) => {
  const file = files.get(new URL(request.url, 'http://x').pathname);
  response.writeHead(file === undefined ? 404 : 200, {
    ...securityHeaders("'none'"),
    'Content-Type': file?.type ?? 'text/plain',
  });
  response.end(file?.body);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

/**
 * The same picture with at most 256 colours: a third of the bytes, and flat screens lose nothing to
 * see.
 */
function shrinkPng(png) {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const bytes = png[25] === 6 ? 4 : 3;
  const parts = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const raw = inflateSync(Buffer.concat(parts));
  const line = width * bytes;
  const pixels = Buffer.alloc(line * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (line + 1)];
    for (let x = 0; x < line; x += 1) {
      const left = x >= bytes ? pixels[y * line + x - bytes] : 0;
      const up = y > 0 ? pixels[(y - 1) * line + x] : 0;
      const corner = x >= bytes && y > 0 ? pixels[(y - 1) * line + x - bytes] : 0;
      const p = left + up - corner;
      const nearest =
        Math.abs(p - left) <= Math.abs(p - up) && Math.abs(p - left) <= Math.abs(p - corner)
          ? left
          : Math.abs(p - up) <= Math.abs(p - corner)
            ? up
            : corner;
      pixels[y * line + x] =
        raw[y * (line + 1) + 1 + x] + [0, left, up, (left + up) >> 1, nearest][filter];
    }
  }
  // The most used colours, told apart by the five upper bits of each channel; each bucket shows its
  // most used member.
  const buckets = new Map();
  const keyOf = (at) =>
    ((pixels[at] >> 3) << 10) | ((pixels[at + 1] >> 3) << 5) | (pixels[at + 2] >> 3);
  for (let at = 0; at < pixels.length; at += bytes) {
    const key = keyOf(at);
    const bucket = buckets.get(key) ?? { count: 0, members: new Map() };
    bucket.count += 1;
    const colour = (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
    bucket.members.set(colour, (bucket.members.get(colour) ?? 0) + 1);
    buckets.set(key, bucket);
  }
  const palette = [...buckets.values()]
    .toSorted((a, b) => b.count - a.count)
    .slice(0, 256)
    .map((bucket) => [...bucket.members].toSorted((a, b) => b[1] - a[1])[0][0]);
  const index = new Map();
  for (const key of buckets.keys()) {
    const [r, g, b] = [((key >> 10) << 3) + 4, (((key >> 5) & 31) << 3) + 4, ((key & 31) << 3) + 4];
    let best = 0;
    let least = Infinity;
    for (const [i, colour] of palette.entries()) {
      const d =
        ((colour >> 16) - r) ** 2 + (((colour >> 8) & 255) - g) ** 2 + ((colour & 255) - b) ** 2;
      if (d < least) [best, least] = [i, d];
    }
    index.set(key, best);
  }
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      rows[y * (width + 1) + 1 + x] = index.get(keyOf(y * line + x * bytes));
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const frame = Buffer.alloc(body.length + 8);
    frame.writeUInt32BE(data.length, 0);
    body.copy(frame, 4);
    frame.writeUInt32BE(crc32(body), body.length + 4);
    return frame;
  };
  const head = Buffer.from(png.subarray(16, 29));
  head[9] = 3;
  return Buffer.concat([
    png.subarray(0, 8),
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(palette.flatMap((c) => [c >> 16, (c >> 8) & 255, c & 255]))),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Runs in the page: what is wrong with what is drawn. */
function inspect() {
  const problems = [];
  const name = (el) =>
    `<${el.tagName.toLowerCase()}${el.dataset?.intent ? ` data-intent=${el.dataset.intent}` : ''} class="${String(el.getAttribute('class') ?? '').replace(/_[\w+/-]{4}(?= |$)/g, '')}"> ${(el.textContent ?? '').trim().slice(0, 30)}`;
  const width = innerWidth;
  const height = innerHeight;
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const el = node.parentElement;
    if (!node.data.trim() || el.closest('[role=status][aria-live]') || el.closest('script,style'))
      continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) {
      if (r.width < 1) continue;
      if (r.left < -1 || r.top < -1 || r.right > width + 1 || r.bottom > height + 1)
        problems.push(`text off the screen: ${name(el)}`);
      for (let up = el; up && up !== document.body; up = up.parentElement) {
        if (getComputedStyle(up).display === 'inline') continue;
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
      if (s.backgroundImage.includes('gradient')) back = [59, 131, 255];
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
    // The start screen's gradient is brightest behind its picture, where no text stands.
    const gradient = back?.[0] === 59 && back?.[1] === 131;
    if (contrast < (gradient ? 2.9 : 4.5))
      problems.push(`contrast ${contrast.toFixed(2)}: ${name(el)}`);
    if (parseFloat(style.fontSize) < 18) problems.push(`text of ${style.fontSize}: ${name(el)}`);
  }
  for (const [i, one] of texts.entries()) {
    for (const two of texts.slice(i + 1)) {
      if (one.el === two.el) continue;
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
    if (box.left < -1 || box.right > width + 1 || box.top < -1 || box.bottom > height + 1)
      problems.push(`off the screen: ${name(el)}`);
    const up = el.parentElement.getBoundingClientRect();
    const style = getComputedStyle(el);
    if (
      style.position !== 'absolute' &&
      style.display !== 'inline' &&
      style.display !== 'none' &&
      !el.closest('[hidden]') &&
      box.height > 0 &&
      (box.bottom > up.bottom + 2 ||
        box.right > up.right + 2 ||
        box.top < up.top - 2 ||
        box.left < up.left - 2)
    )
      problems.push(
        `sticks out of its parent by ${Math.round(Math.max(box.bottom - up.bottom, box.right - up.right, up.top - box.top, up.left - box.left))} px: ${name(el)}`,
      );
  }
  const targets = [...document.querySelectorAll('[data-intent],[data-key],[data-local]')];
  for (const [i, el] of targets.entries()) {
    const box = el.getBoundingClientRect();
    if (box.width < 64 || box.height < 64)
      problems.push(`touch target ${Math.round(box.width)}×${Math.round(box.height)}: ${name(el)}`);
    for (const other of targets.slice(i + 1)) {
      const o = other.getBoundingClientRect();
      if (
        Math.min(box.right, o.right) > Math.max(box.left, o.left) &&
        Math.min(box.bottom, o.bottom) > Math.max(box.top, o.top)
      )
        problems.push(`touch targets overlap: ${name(el)} / ${name(other)}`);
    }
  }
  const qr = document.querySelector('[data-qr]');
  // 60 mm at the 4 px/mm of a 21.5 inch panel.
  if (qr && qr.getBoundingClientRect().width < 240)
    problems.push('the QR code is smaller than 60 mm');
  return [...new Set(problems)];
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
    if (file.endsWith('.png')) rmSync(path.join(outDir, file));
}
for (const [format, viewport] of Object.entries(FORMATS)) {
  const context = await browser.newContext({
    viewport,
    deviceScaleFactor: PICTURE_SCALE,
    reducedMotion: 'reduce',
    locale: 'en-GB',
  });
  await context.addInitScript(() => {
    globalThis.__sent = [];
    globalThis.pilotlight = {
      onSnapshot: (callback) => {
        globalThis.__push = callback;
        return () => undefined;
      },
      send: (intent) => globalThis.__sent.push(intent),
    };
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') failures.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => failures.push(`page: ${error.message}`));
  await page.goto(url);
  await page.evaluate(() => document.fonts.ready);
  for (const [lang, locale] of Object.entries(LOCALES)) {
    for (const size of ['normal', 'large']) {
      for (const fixture of screenFixtures(locale, size)) {
        const file = `${fixture.screen}--${fixture.variant}-${format}-${lang}${size === 'large' ? '-large' : ''}`;
        if (only.length > 0 && !only.some((part) => file.includes(part))) continue;
        // Through another screen first: nothing local may be carried over from the last picture.
        await page.evaluate(
          (s) => globalThis.__push({ ...s, screen: 'reading', stage: 'card' }),
          fixture.snapshot,
        );
        await page.evaluate((s) => globalThis.__push(s), fixture.snapshot);
        await page.waitForSelector(`[data-screen="${fixture.screen}"]`);
        if (fixture.keys !== undefined) {
          await page.click('[data-local="keypad"]');
          for (const key of fixture.keys) await page.click(`[data-key="${key}"]`);
        }
        for (const selector of fixture.taps ?? []) await page.click(selector);
        await page.evaluate(() => {
          document.activeElement?.blur();
          return new Promise((resolve) =>
            requestAnimationFrame(() => requestAnimationFrame(resolve)),
          );
        });
        drawn += 1;
        for (const problem of await page.evaluate(inspect)) failures.push(`${file}: ${problem}`);
        const kept =
          fixture.checkOnly !== true &&
          (size === 'normal' || (format === 'portrait' && lang === 'zh'));
        if (checkOnly || (!kept && only.length === 0)) continue;
        writeFileSync(
          path.join(outDir, `${file}.png`),
          shrinkPng(await page.screenshot({ animations: 'disabled', scale: 'device' })),
        );
        const key = `${fixture.screen}--${fixture.variant}`;
        written.set(key, [...(written.get(key) ?? []), file]);
      }
    }
  }
  await context.close();
}
await browser.close();
server.close();

if (!checkOnly && only.length === 0) {
  const cell = (list, suffix, width) => {
    const file = list.find((name) => name.endsWith(suffix));
    return file === undefined ? '' : `<img src="${file}.png" width="${width}" alt="${file}">`;
  };
  const rows = [...written].map(
    ([name, list]) =>
      `### ${name.replace('--', ': ')}\n\n| Portrait | English | Large text | Landscape | English |\n|---|---|---|---|---|\n| ${cell(list, '-portrait-zh', 180)} | ${cell(list, '-portrait-en', 180)} | ${cell(list, '-portrait-zh-large', 180)} | ${cell(list, '-landscape-zh', 300)} | ${cell(list, '-landscape-en', 300)} |\n`,
  );
  writeFileSync(
    path.join(outDir, 'README.md'),
    `# Screens\n\nEvery screen of the kiosk as Chromium draws it, at ${PICTURE_SCALE * 100} % of the panel's pixels (portrait 1080×1920, landscape 1280×1024). Made by \`npm run screens\`, which also checks each one, in both languages and both text sizes, for overflow, overlap, touch targets under 64 px and contrast under 4.5:1.\n\n${rows.join('\n')}`,
  );
  const bytes = readdirSync(outDir).reduce(
    (sum, file) => sum + statSync(path.join(outDir, file)).size,
    0,
  );
  console.log(
    `screens: ${[...written.values()].flat().length} pictures, ${(bytes / 1e6).toFixed(1)} MB, in docs/screens`,
  );
}
console.log(`screens: ${drawn} drawn and checked`);
if (failures.length > 0) {
  console.error(
    `screens: ${failures.length} problems\n${[...new Set(failures)].map((line) => `  ${line}`).join('\n')}`,
  );
  process.exit(1);
}
