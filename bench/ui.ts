import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { quantile } from './report.ts';
import { makeFloor } from './ui/floor.ts';
import { cpuMs, launch } from './ui/world.ts';
import { Stand } from '../test/support/stand.ts';
import type { Tapped } from '../test/support/tapped.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const rendererDir = join(root, 'dist', 'renderer');
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 20);
/** As slow as the processors in these stands, beside a builder's machine. */
const THROTTLE = 4;
/** The controls of a new screen are deaf for a quarter of a second (taps.ts). */
const LISTENS_MS = 400;
const IDLE_MS = 30_000;
const SETTLE_MS = 5_000;
const VISITS = Number(process.env['BENCH_VISITS'] ?? 2_000);
/** Held against one another: all is loaded and remembered by the first of them. */
const LOOKS = [100, 200, 500, 1_000, 1_500];

const pause = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));
const line = (name: string, text: string): void => console.log(`${name.padEnd(34)} ${text}`);

/** Where a finger lands, and from which screen: the ways most customers take. */
const TAPS: readonly (readonly [from: string, control: string])[] = [
  ['start--services', '[data-intent="open"][data-value="info"]'],
  ['info--menu', '[data-intent="info-topic"][data-value="prices"]'],
  ['start--services', '[data-intent="open"][data-value="unfinished"]'],
  ['insert-card--unfinished', '[data-intent="exit"]'],
  ['amount--choose', '[data-intent="choose-amount"][data-value="10000"]'],
  ['amount--quoted', '[data-intent="pay"]'],
  ['pay--waiting', '[data-intent="cancel"]'],
  ['my-account--use', '[data-intent="exit"]'],
  ['start--services', '[data-intent="set-locale"]'],
  ['amount--quoted', '[data-intent="set-access"][data-value="largeText"]'],
];

function told(name: string, ms: readonly number[]): string {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (q: number): string => quantile(sorted, q).toFixed(0);
  return `${name} p50 ${at(0.5)} p95 ${at(0.95)} most ${at(1)}`;
}

function tell(name: string, taps: readonly Tapped[]): void {
  line(
    name,
    `n=${taps.length}  ${told(
      'feedback',
      taps.map((t) => t.feedbackMs),
    )}   ${told(
      'next screen',
      taps.map((t) => t.screenMs),
    )}  ms`,
  );
}

/** Finger to frame, with the page's processor slowed down; the floor takes turns with the kiosk. */
async function touches(browser: Browser): Promise<void> {
  const floorDir = mkdtempSync(join(tmpdir(), 'pilotlight-bench-floor-'));
  makeFloor(floorDir);
  const kiosk = await Stand.open(browser, rendererDir);
  const floor = await Stand.open(browser, floorDir);
  const all: Tapped[] = [];
  const floors: Tapped[] = [];
  const by = new Map<string, Tapped[]>();
  try {
    for (const stand of [kiosk, floor])
      await stand.devtools.send('Emulation.setCPUThrottlingRate', { rate: THROTTLE });
    for (let round = 0; round < ROUNDS; round++) {
      for (const [from, control] of TAPS) {
        await kiosk.page.bringToFront();
        await kiosk.show(from);
        await pause(LISTENS_MS);
        const tapped = await kiosk.tap(control);
        const name = `${from} ${/data-value="(\w+)"/.exec(control)?.[1] ?? ''}`;
        by.set(name, [...(by.get(name) ?? []), tapped]);
        all.push(tapped);
      }
      for (let n = 0; n < TAPS.length / 2; n++) {
        await floor.page.bringToFront();
        await pause(LISTENS_MS);
        floors.push(await floor.tap('button'));
      }
    }
  } finally {
    await kiosk.close();
    await floor.close();
    rmSync(floorDir, { recursive: true });
  }
  tell(`touch, processor at 1/${THROTTLE}`, all);
  tell('  one-button page beside it', floors);
  for (const [name, taps] of by) tell(`  ${name}`, taps);
}

/** What stands there while nobody does: processor time of the whole browser. */
async function idle(browser: Browser, pid: number): Promise<void> {
  const kiosk = await Stand.open(browser, rendererDir);
  try {
    for (const key of ['start--services', 'start--services+idle', 'out-of-service--reader']) {
      await kiosk.show(key);
      await pause(SETTLE_MS);
      const before = cpuMs(pid);
      await pause(IDLE_MS);
      const share = (cpuMs(pid) - before) / IDLE_MS;
      line(`idle: ${key}`, `${(share * 100).toFixed(1)} % of one core`);
    }
  } finally {
    await kiosk.close();
  }
}

/** The screens of a purchase. */
const VISIT = [
  'start--services',
  'reading--card',
  'amount--choose',
  'amount--quoted',
  'pay--waiting',
  'pay--paying',
  'writing--writing',
  'done--take-card',
  'done--thanks',
];

/** What the page holds after a collection of garbage. */
async function held({ devtools }: Stand) {
  await devtools.send('HeapProfiler.collectGarbage');
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  const { documents, nodes, jsEventListeners } = await devtools.send('Memory.getDOMCounters');
  return { heap: usedSize, documents, nodes, listeners: jsEventListeners };
}

async function visits(browser: Browser): Promise<void> {
  const kiosk = await Stand.open(browser, rendererDir);
  try {
    for (let visit = 1; visit <= VISITS; visit++) {
      for (const key of VISIT) await kiosk.show(key);
      if (!LOOKS.includes(visit) && visit !== VISITS) continue;
      await kiosk.show('start--services');
      const { heap, documents, nodes, listeners } = await held(kiosk);
      line(
        `after ${visit} visits`,
        `heap ${(heap / 1e6).toFixed(2)} MB  nodes ${nodes}  listeners ${listeners}  documents ${documents}`,
      );
    }
  } finally {
    await kiosk.close();
  }
}

const LOADS = 5;

/**
 * From the core's first snapshot to the first screen. `together`: page and core are begun at one
 * time, as at a start; `again`: the core is there, and the page is loaded anew.
 */
async function first(browser: Browser): Promise<void> {
  const together: number[] = [];
  const again: number[] = [];
  for (let n = 0; n < LOADS; n++) {
    const kiosk = await Stand.open(browser, rendererDir);
    together.push(kiosk.firstMs);
    again.push(await kiosk.reload());
    await kiosk.close();
  }
  line('first screen after core is ready', told('together', together));
  line('page loaded anew', told('again', again));
}

function size(): void {
  const folder = join(rendererDir, 'assets');
  const bytes = { js: 0, css: 0 };
  for (const name of readdirSync(folder)) {
    const kind = name.endsWith('.js') ? 'js' : name.endsWith('.css') ? 'css' : null;
    // Where the letters lie is said in the styles; letters and voice are not counted.
    const text = readFileSync(join(folder, name), 'utf8').replaceAll(/@font-face\{[^}]*\}/g, '');
    if (kind !== null) bytes[kind] += gzipSync(text).length;
  }
  const kb = (n: number): string => (n / 1000).toFixed(1);
  line('size, gzip', `code ${kb(bytes.js)} kB  styles ${kb(bytes.css)} kB`);
}

/** npm run bench -- ui [touch] [idle] [heap] [first] [size] */
export async function uiBench(parts: readonly string[]): Promise<void> {
  const asked = (name: string): boolean => parts.length === 0 || parts.includes(name);
  execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs'), 'renderer'], {
    stdio: 'inherit',
  });
  if (asked('size')) size();
  const { browser, pid } = await launch();
  try {
    if (asked('first')) await first(browser);
    if (asked('touch')) await touches(browser);
    if (asked('idle')) await idle(browser, pid);
    if (asked('heap')) await visits(browser);
  } finally {
    await browser.close();
  }
}
