import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from './ports.ts';
import type { Page } from 'playwright-core';
import type { DockAction } from '../../src/demo/dock.ts';
import { Journal } from '../../src/journal/journal.ts';
import { verifyJournal } from '../../src/journal/verify.ts';
import Database from 'better-sqlite3';
import type { AttemptRow, OrderRow } from '../../src/journal/fold.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  timeoutMs = 20_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await look();
      if (value !== null && value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end)
      throw new Error(
        `waited ${timeoutMs} ms for ${what}${last === undefined ? '' : `: ${String(last)}`}`,
      );
    await new Promise((r) => setTimeout(r, 50));
  }
}

export interface DockState {
  inserted: string | null;
  /** How far the hall's clock is ahead of the machine's. */
  clockShiftMs: number;
  /** The code that was shown last. */
  newestCode: string | null;
  trades: {
    outTradeNo: string;
    state: string;
    total: number;
    codeUrl: string | null;
    wallet: string;
  }[];
  slips: number[];
  cards: {
    id: string;
    purchase: { count: number; quantity: number; cumulative: number } | null;
    meterRemaining: number | null;
  }[];
  /** What the company's own account book holds; null: the hall has none. */
  book: { userNo: string; amountFen: number; reference: string }[] | null;
  /** What upsd says; null: it is stopped. */
  ups: string | null;
  /** Door and lamps; null: their line is cut. */
  io: Record<'open' | 'card' | 'scanner' | 'printer' | 'alarm', boolean> | null;
  lastMeter: { visit: { accepted: boolean; credited: number } } | null;
}

/**
 * The gateway's numbers at the wallets, and whose they are. `counts`: this one is the terminal's
 * payment; another was left.
 */
export interface GatewayBooks {
  readonly legs: readonly {
    readonly leg: string;
    readonly outTradeNo: string;
    readonly state: string;
    readonly counts: boolean;
  }[];
  readonly refunds: readonly { readonly walletRefundNo: string; readonly outRefundNo: string }[];
}

/**
 * The demo hall as a process, driven from outside through its dock: the same thing that `npm start`
 * runs.
 */
/** An argument of {@link Hall.start}: with every platform of the demo. */
export const WHOLE = '--whole';

/** Names the folder of the run's {@link Hall.template}; without it halls begin with nothing. */
export const TEMPLATE = 'PILOTLIGHT_HALL_TEMPLATE';
/** What a hall with these does not share: another day at central, another's account book. */
const BEGINS_ALONE = new Set(['--clock', '--account-book']);

function sharedTemplate(args: readonly string[]): string | null {
  return args.some((arg) => BEGINS_ALONE.has(arg)) ? null : (process.env[TEMPLATE] ?? null);
}

export class Hall {
  readonly dataDir: string;
  readonly port: number;
  #child: ChildProcess | null = null;
  #output = '';
  readonly #args: readonly string[];
  readonly #env: NodeJS.ProcessEnv;

  private constructor(
    dataDir: string,
    port: number,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
  ) {
    this.dataDir = dataDir;
    this.port = port;
    this.#args = args;
    this.#env = env;
  }

  /**
   * Customers pay their wallets directly, unless `args` say otherwise, and nobody issues e-invoices
   * or sends messages but with {@link WHOLE}: each hall is several processes. @param template a
   * folder of {@link template}, whose copy the hall begins with; left out: the run's
   */
  static async start(
    args: readonly string[] = ['--shell', 'browser'],
    env: NodeJS.ProcessEnv = {},
    template: string | null = sharedTemplate(args),
  ): Promise<Hall> {
    const hall = new Hall(
      mkdtempSync(join(tmpdir(), 'pilotlight-hall-')),
      await freePorts(18),
      [
        ...(args.includes('--payments') ? [] : ['--payments', 'wechat,alipay']),
        ...(args.includes(WHOLE) ? [] : ['--lean']),
        ...args.filter((arg) => arg !== WHOLE),
      ],
      env,
    );
    if (template !== null) cpSync(template, hall.dataDir, { recursive: true });
    await hall.#spawn();
    return hall;
  }
  /**
   * The data of a hall that has its keys and central's database, and no kiosk yet: making the
   * database takes longer than all else of a start. The caller removes it.
   */
  static async template(): Promise<string> {
    const hall = await Hall.start(['--shell', 'none']);
    await hall.stop();
    return hall.dataDir;
  }

  async #spawn(): Promise<void> {
    this.#output = '';
    const child = spawn(
      process.execPath,
      ['src/demo/main.ts', '--port', String(this.port), '--data', this.dataDir, ...this.#args],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...this.#env } },
    );
    this.#child = child;
    child.stdout.on('data', (c: Buffer) => (this.#output += c.toString()));
    child.stderr.on('data', (c: Buffer) => (this.#output += c.toString()));
    await until(
      'the hall',
      () => this.#output.includes('Ctrl-C stops everything') || child.exitCode !== null,
      60_000,
    );
    if (child.exitCode !== null) throw new Error(`the hall did not start: ${this.#output}`);
  }

  /** Process id of the hall; undefined while it is stopped. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }
  get output(): string {
    return this.#output;
  }
  get url(): string {
    return /kiosk\s+(http:\S+)/.exec(this.#output)?.[1] ?? '';
  }

  async dock(action: DockAction): Promise<unknown> {
    const r = await fetch(`http://127.0.0.1:${this.port + 1}/api`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(action),
    });
    const answer = (await r.json()) as { result?: unknown; error?: string };
    if (!r.ok) throw new Error(`dock ${JSON.stringify(action)}: ${answer.error ?? r.status}`);
    return answer.result;
  }
  async state(): Promise<DockState> {
    return (await (await fetch(`http://127.0.0.1:${this.port + 1}/api/state`)).json()) as DockState;
  }
  async card(id: string): Promise<NonNullable<DockState['cards'][number]['purchase']>> {
    const found = (await this.state()).cards.find((c) => c.id === id)?.purchase;
    if (found == null) throw new Error(`no purchase on card ${id}`);
    return found;
  }
  async central(): Promise<
    {
      accounts: { cardNo: string; count: number; cumulative: number; carriedMicro: number }[];
    } & Record<string, unknown>
  > {
    return (await (
      await fetch(`http://127.0.0.1:${this.port + 2}/console/data.json`)
    ).json()) as never;
  }
  async books(): Promise<{
    orders: { outTradeNo: string; state: string; total: number; codeUrls: string[] }[];
    refunds: { outRefundNo: string; outTradeNo: string; status: string; refund: number }[];
  }> {
    return (await (
      await fetch(`http://127.0.0.1:${this.port + 3}/_control/books`)
    ).json()) as never;
  }

  /** What the gateway has at the wallets for its terminals. @throws Error while central is away */
  async gateway(): Promise<GatewayBooks> {
    const told = (await (
      await fetch(`http://127.0.0.1:${this.port + 1}/api/gateway`)
    ).json()) as GatewayBooks | null;
    if (told === null) throw new Error('central is away');
    return told;
  }

  /** Rows as they stand on disk. */
  rows(): { orders: OrderRow[]; attempts: AttemptRow[]; outbox: number } {
    const db = new Database(Journal.file(join(this.dataDir, 'kiosk')), { readonly: true });
    try {
      return {
        orders: db
          .prepare<[], string>('SELECT row FROM orders ORDER BY order_id')
          .pluck()
          .all()
          .map((r) => JSON.parse(r) as OrderRow),
        attempts: db
          .prepare<[], string>('SELECT row FROM attempts ORDER BY attempt_id')
          .pluck()
          .all()
          .map((r) => JSON.parse(r) as AttemptRow),
        outbox: db.prepare<[], number>('SELECT count(*) FROM outbox').pluck().get() ?? 0,
      };
    } finally {
      db.close();
    }
  }
  verify() {
    return verifyJournal(join(this.dataDir, 'kiosk'), join(this.dataDir, 'kiosk-second'));
  }

  /**
   * What a failed test leaves to look at: the screen, what the journal has, what the processes said
   * last.
   */
  async story(page: Page | null): Promise<string> {
    const shown =
      page === null
        ? ''
        : // A page that hangs must not take the story with it.
          await Promise.race([
            new Promise<string>((r) => setTimeout(r, 5000, 'the page does not answer')),
            page
              .evaluate(
                () =>
                  `${document.querySelector('[data-screen]')?.getAttribute('data-screen') ?? 'no screen'}: ${document.body.innerText.replaceAll(/\s+/g, ' ').slice(0, 600)}`,
              )
              .catch(String),
          ]);
    const { orders, attempts, outbox } = this.rows();
    const state = await this.state().then(
      ({ inserted, trades }) => JSON.stringify({ inserted, trades }),
      String,
    );
    return [
      shown,
      ...orders.map((o) => JSON.stringify({ ...o, quote: undefined, delivery: undefined })),
      ...attempts.map((a) => JSON.stringify(a)),
      `outbox ${outbox}`,
      state,
      this.#output.slice(-6_000),
    ].join('\n');
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const over = new Promise((r) => child.once('exit', r));
    child.kill('SIGINT');
    await over;
  }
  async restart(): Promise<void> {
    await this.stop();
    await this.#spawn();
  }
  /** Stops it and removes its data folder. */
  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/**
 * Presses what leads to another page and waits until that page is there: one that is read or closed
 * before it may still be the old one, or have sent nothing.
 */
export async function follow(page: Page, selector: string): Promise<void> {
  const there = page.waitForEvent('load', { timeout: 30_000 });
  await Promise.all([there, page.click(selector)]);
}

/** System Chromium; playwright-core brings none. */
export function chromiumPath(): string {
  const found = [
    process.env['CHROMIUM_PATH'],
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ].find((p) => p !== undefined && existsSync(p));
  if (found === undefined)
    throw new Error('no Chromium: apt-get install chromium, or set CHROMIUM_PATH');
  return found;
}
export const CHROMIUM_ARGS = ['--no-sandbox', '--disable-background-networking', '--disable-gpu'];
