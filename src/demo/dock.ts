import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { slipSvg } from '../simulator/printer/printer.ts';
import type { SimulatedPrinter } from '../simulator/printer/printer.ts';
import { walletOfCode } from '../simulator/pay-town.ts';
import type { SimulatedJack } from '../simulator/headphones/jack.ts';
import type { SimulatedIo } from '../simulator/modbus/slave.ts';
import type { SimulatedUpsd } from '../simulator/ups/upsd.ts';
import type { SimulatedScanner } from '../simulator/scanner/scanner.ts';
import type { HallCards } from './hall-cards.ts';
import type { HallClock } from './hall-clock.ts';
import type { Line } from './line.ts';
import type { Phone } from './phone.ts';
import { HALL_IO } from './setup.ts';

export interface DockOptions {
  readonly port: number;
  readonly cards: HallCards;
  readonly clock: HallClock;
  readonly printer: SimulatedPrinter;
  readonly scanner: SimulatedScanner;
  readonly jack: SimulatedJack;
  readonly upsd: SimulatedUpsd;
  readonly io: SimulatedIo;
  readonly centralLine: Line;
  /** The kiosk's lines to whoever takes its payments; cut and mended together. */
  readonly paymentLines: readonly Line[];
  readonly phone: Phone;
  /** The gateway's trades at the wallets; null: central is away. */
  readonly gatewayBooks: () => Promise<unknown>;
  /** Where the simulated provider of e-invoices is told how to answer. */
  readonly invoicesUrl: string;
  /** The company's own account book, where the hall has one, and what it lets in by. */
  readonly book: { readonly url: string; readonly secret: string } | null;
  /** SMS on the phones, the newest last. */
  readonly messages: () => Promise<unknown>;
  /** The demo's technician, when the kiosk's terminal.json has him. */
  readonly technician: { readonly name: string; readonly pin: string } | null;
  readonly addresses: () => { kiosk: string; central: string };
  readonly kill: (what: 'core' | 'central' | 'sandbox' | 'invoices' | 'book') => boolean;
}

const wallet = z.enum(['wechat', 'alipay', 'unionpay']).optional();
const action = z.discriminatedUnion('do', [
  z.object({ do: z.literal('insert'), id: z.string() }),
  z.object({ do: z.literal('remove') }),
  z.object({
    do: z.literal('tear'),
    at: z.number().int().min(1).max(50),
    when: z.enum(['before', 'after']),
    id: z.string().optional(),
  }),
  z.object({ do: z.literal('lie'), id: z.string().optional() }),
  z.object({ do: z.literal('meter'), id: z.string() }),
  z.object({
    do: z.literal('consume'),
    id: z.string(),
    quantity: z.number().int().min(0).max(1_000_000),
  }),
  /** `wallet`: with which of the phone's; left out: with the one that the code is for, or WeChat. */
  z.object({
    do: z.literal('pay'),
    codeUrl: z.string().optional(),
    wallet,
    late: z.boolean().optional(),
    fail: z.boolean().optional(),
  }),
  /** The phone's own payment code before the kiosk's scanner; left out: a fresh one of that wallet. */
  z.object({
    do: z.literal('show-code'),
    code: z
      .string()
      .regex(/^[!-~]{6,256}$/)
      .optional(),
    wallet,
  }),
  z.object({ do: z.literal('headphones'), plugged: z.boolean() }),
  /** The mains; `low`: they are off, and the battery is almost empty. */
  z.object({ do: z.literal('mains'), is: z.enum(['on', 'off', 'low']) }),
  /** upsd: `stale` has lost its UPS, `gone` is stopped. */
  z.object({ do: z.literal('upsd'), is: z.enum(['up', 'stale', 'gone']) }),
  z.object({ do: z.literal('door'), open: z.boolean() }),
  /** The line to the module of door and lamps. */
  z.object({ do: z.literal('io'), cut: z.boolean() }),
  z.object({ do: z.literal('scan'), codeUrl: z.string().optional(), wallet }),
  z.object({ do: z.literal('faults'), faults: z.record(z.string(), z.unknown()) }),
  z.object({ do: z.literal('mend-refunds') }),
  /** Sets every clock of the hall forward, e.g. to the hour of a day's bills. */
  z.object({ do: z.literal('clock'), at: z.string() }),
  z.object({ do: z.literal('cut'), line: z.enum(['central', 'payment']), cut: z.boolean() }),
  z.object({
    do: z.literal('delay'),
    line: z.enum(['central', 'payment', 'card']),
    ms: z.number().int().min(0).max(60_000),
  }),
  z.object({
    do: z.literal('kill'),
    what: z.enum(['core', 'central', 'sandbox', 'invoices', 'book']),
  }),
  /** How the provider of e-invoices answers from now on (src/simulator/invoices). */
  z.object({
    do: z.literal('invoices'),
    answers: z.enum(['at-once', 'later', 'never', 'refuse', 'lose']),
  }),
  /** How the company's account book answers from now on (src/simulator/account-book). */
  z.object({ do: z.literal('book'), answers: z.enum(['at-once', 'lose', 'refuse']) }),
  z.object({
    do: z.literal('printer'),
    paper: z.enum(['ok', 'low', 'end']).optional(),
    rowsLeft: z.number().int().min(1).max(1000).optional(),
    automaticStatus: z.boolean().optional(),
    off: z.boolean().optional(),
    coverOpen: z.boolean().optional(),
    cutterJam: z.boolean().optional(),
    overheated: z.boolean().optional(),
    /** It takes what it is sent and says nothing. */
    mute: z.boolean().optional(),
    /** `pull`: its cable, now; `power`: its buffer is lost too; `after`: in so many bytes. */
    line: z.enum(['pull', 'power']).optional(),
    after: z.number().int().min(1).max(10_000).optional(),
  }),
]);
export type DockAction = z.infer<typeof action>;

const MAX_BODY = 16 * 1024;
/** What each wallet's codes begin with, and how many digits they have (payments.md sections A to C). */
const WALLET_CODES = { wechat: ['13', 18], alipay: ['28', 18], unionpay: ['62', 19] } as const;
let codes = 0;
/** A code that no phone has shown before. */
function freshCode(wallet: keyof typeof WALLET_CODES): string {
  const [prefix, length] = WALLET_CODES[wallet];
  return `${prefix}${`${process.pid % 10_000}${Math.floor(process.uptime() * 1_000)}${++codes}`.padStart(length - 2, '0').slice(2 - length)}`;
}

/** What somebody does to the printer; what is left out stays as it is. */
function setPrinter(
  printer: SimulatedPrinter,
  { line, after, ...wanted }: Extract<DockAction, { do: 'printer' }>,
): void {
  for (const [key, value] of Object.entries(wanted))
    if (key in printer.condition && value !== undefined)
      Object.assign(printer.condition, { [key]: value });
  if (after !== undefined) printer.cutAfter(after);
  if (line === 'power') printer.powerOff();
  else if (line === 'pull') printer.dropLines();
}

/** Door and lamps as they stand at the module; null: its line is cut. */
function lampsOf({ inputs, coils, silent }: SimulatedIo): unknown {
  if (silent) return null;
  const { cardLamp, scannerLamp, printerLamp, alarm } = HALL_IO.outputs;
  return {
    open: inputs[HALL_IO.inputs.door.address] !== true,
    card: coils[cardLamp.address],
    scanner: coils[scannerLamp.address],
    printer: coils[printerLamp.address],
    alarm: coils[alarm.address],
  };
}

/** What a phone opens that scans the newest slip's code; null: none was printed yet. */
function newestReceipt({ slips }: SimulatedPrinter): string | null {
  const codes = slips.flatMap((slip) =>
    slip.lines.flatMap((l) => (l.kind === 'qr' ? [l.text] : [])),
  );
  return codes.findLast((text) => text.includes('/r/')) ?? null;
}

/**
 * The demo's control page: cards, meter, pretend phone, faults, slips. Loopback only, demo mode
 * only. Cross-site pages cannot use it: only JSON bodies are taken, and a foreign `Origin` or
 * `Host` is refused.
 */
export class Dock {
  readonly #o: DockOptions;
  #server: Server | null = null;

  constructor(options: DockOptions) {
    this.#o = options;
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer((request, response) => {
        void this.#answer(request, response).catch((error: unknown) => {
          response
            .writeHead(500, { 'content-type': 'application/json' })
            .end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
        });
      });
      server.once('error', reject);
      server.listen(this.#o.port, '127.0.0.1', () => {
        this.#server = server;
        resolve();
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#server === null) return resolve();
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (status: number, body: unknown): void => {
      response
        .writeHead(status, {
          'content-type': 'application/json; charset=utf-8',
          'cache-control': 'no-store',
        })
        .end(JSON.stringify(body));
    };
    const own = [`127.0.0.1:${this.#o.port}`, `localhost:${this.#o.port}`];
    const origin = request.headers.origin;
    if (
      !own.includes(request.headers.host ?? '') ||
      (origin !== undefined && !own.some((h) => origin === `http://${h}`))
    )
      return json(403, { error: 'not from here' });
    const path = new URL(request.url ?? '/', 'http://dock').pathname;
    if (request.method === 'POST' && path === '/api') {
      if (!(request.headers['content-type'] ?? '').startsWith('application/json'))
        return json(415, { error: 'JSON only' });
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > MAX_BODY) return json(413, { error: 'too large' });
        chunks.push(chunk);
      }
      const parsed = action.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      if (!parsed.success) return json(400, { error: z.prettifyError(parsed.error) });
      return json(200, { ok: true, result: await this.#act(parsed.data) });
    }
    if (request.method !== 'GET') return json(405, { error: 'GET or POST /api' });
    if (path === '/api/state') return json(200, await this.#state());
    if (path === '/api/gateway') return json(200, await this.#o.gatewayBooks());
    if (path === '/api/sms') return json(200, await this.#o.messages());
    const slip = /^\/slips\/(\d+)\.svg$/.exec(path);
    if (slip !== null) {
      const found = this.#o.printer.slips.find((s) => s.number === Number(slip[1]));
      if (found === undefined) return json(404, { error: 'no such slip' });
      response
        .writeHead(200, { 'content-type': 'image/svg+xml; charset=utf-8' })
        .end(slipSvg(found));
      return;
    }
    const page = {
      '/': ['dock.html', 'text/html'],
      '/dock.js': ['dock.js', 'text/javascript'],
      '/dock.css': ['dock.css', 'text/css'],
    }[path];
    if (page === undefined) return json(404, { error: 'not here' });
    response
      .writeHead(200, {
        'content-type': `${page[1]}; charset=utf-8`,
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'",
        'cache-control': 'no-store',
      })
      .end(readFileSync(fileURLToPath(new URL(`./page/${page[0]}`, import.meta.url))));
  }

  async #act(a: DockAction): Promise<unknown> {
    const { cards, clock, printer, phone, centralLine, paymentLines } = this.#o;
    switch (a.do) {
      case 'insert':
        return cards.insert(a.id);
      case 'remove':
        return cards.remove();
      case 'tear':
        return cards.arm({ kind: 'tear', at: a.at, when: a.when }, a.id);
      case 'lie':
        return cards.arm({ kind: 'lie' }, a.id);
      case 'meter':
        return cards.visitMeter(a.id);
      case 'consume':
        return cards.consume(a.id, a.quantity);
      case 'pay':
        return phone.pay(a);
      case 'show-code': {
        const code = a.code ?? freshCode(a.wallet ?? 'wechat');
        return { code, read: this.#o.scanner.show(code) };
      }
      case 'headphones':
        this.#o.jack.plug(a.plugged);
        return null;
      case 'mains':
        Object.assign(this.#o.upsd.condition, {
          mains: a.is === 'on',
          low: a.is === 'low',
          chargePercent: { on: 100, off: 80, low: 6 }[a.is],
        });
        return null;
      case 'upsd':
        this.#o.upsd.condition.stale = a.is === 'stale';
        if (a.is === 'gone') await this.#o.upsd.stop();
        else if (!this.#o.upsd.running) await this.#o.upsd.start(0);
        return null;
      case 'door':
        // Its contact is closed while the door is.
        this.#o.io.inputs[HALL_IO.inputs.door.address] = !a.open;
        return null;
      case 'io':
        this.#o.io.silent = a.cut;
        return null;
      case 'scan':
        return phone.scan(a);
      case 'faults':
        return phone.control('faults', a.faults);
      case 'mend-refunds':
        return phone.control('mend-refunds', {});
      case 'clock':
        clock.forward(a.at);
        return { nowMs: clock.nowMs() };
      case 'cut':
        for (const line of a.line === 'central' ? [centralLine] : paymentLines) line.cut = a.cut;
        return null;
      case 'delay':
        for (const line of a.line === 'card'
          ? [cards]
          : a.line === 'central'
            ? [centralLine]
            : paymentLines)
          line.delayMs = a.ms;
        return null;
      case 'invoices':
        return (
          await fetch(`${this.#o.invoicesUrl}/_control`, {
            method: 'POST',
            body: JSON.stringify({ answers: a.answers }),
          })
        ).json();
      case 'book':
        return this.#askBook('/_control', { answers: a.answers });
      case 'kill':
        return this.#o.kill(a.what);
      case 'printer':
        setPrinter(printer, a);
        return null;
    }
  }

  /** @returns null where the hall has no such book */
  async #askBook(path: string, body?: unknown): Promise<unknown> {
    const { book } = this.#o;
    if (book === null) return null;
    const answer = await fetch(`${book.url}${path}`, {
      headers: { authorization: `Bearer ${book.secret}` },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return answer.json();
  }

  async #state(): Promise<unknown> {
    const { cards, clock, printer, centralLine, paymentLines, phone } = this.#o;
    const paymentLine = paymentLines[0];
    return {
      ...cards.view(),
      clockShiftMs: clock.shiftMs,
      newestCode: await phone.newestCode(),
      messages: await this.#o.messages().catch(() => []),
      book: await this.#askBook('/_lines').catch(() => []),
      trades: (await phone.trades()).slice(-8).map((t) => ({
        outTradeNo: t.outTradeNo,
        state: t.state,
        total: t.total,
        codeUrl: t.codeUrls.at(-1) ?? null,
        wallet: walletOfCode(t.codeUrls.at(-1) ?? ''),
      })),
      slips: printer.slips.map((s) => s.number).slice(-6),
      receipt: newestReceipt(printer),
      printer: printer.condition,
      headphones: this.#o.jack.plugged,
      ups: this.#o.upsd.running ? this.#o.upsd.status() : null,
      io: lampsOf(this.#o.io),
      lines: {
        central: { cut: centralLine.cut, delayMs: centralLine.delayMs },
        payment: { cut: paymentLine?.cut ?? false, delayMs: paymentLine?.delayMs ?? 0 },
      },
      addresses: this.#o.addresses(),
      technician: this.#o.technician,
    };
  }
}
