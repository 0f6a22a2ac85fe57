import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { AttemptRow, OrderRow } from '../../src/journal/fold.ts';
import { SecondLog, readSecondLog } from '../../src/journal/second-log.ts';
import type { EventKind } from '../../src/shared/events.ts';
import type { Intent, Snapshot, SnapshotOf } from '../../src/shared/contract.ts';
import { Hall, until } from '../support/hall.ts';

/** The page's end of the browser shell, without a browser: it draws nothing and taps by the contract. */
class Customer {
  readonly hall: Hall;
  snapshot: Snapshot | null = null;
  readonly #socket: WebSocket;

  private constructor(hall: Hall, socket: WebSocket) {
    this.hall = hall;
    this.#socket = socket;
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as { type: string; snapshot?: Snapshot };
      if (message.snapshot !== undefined) this.snapshot = message.snapshot;
    });
  }

  static async at(hall: Hall): Promise<Customer> {
    const opened = await fetch(hall.url, { redirect: 'manual' });
    const cookie = (opened.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const { host, origin } = new URL(hall.url);
    const socket = new WebSocket(`ws://${host}/ws`, { headers: { cookie, origin } });
    // Listens before the line is open: the first snapshot may come in the same packet.
    const customer = new Customer(hall, socket);
    await new Promise((done, failed) => {
      socket.once('open', done);
      socket.once('error', failed);
    });
    return customer;
  }
  leave(): void {
    this.#socket.terminate();
  }

  on<S extends Snapshot['screen']>(screen: S, more: (s: SnapshotOf<S>) => boolean = () => true, timeoutMs = 30_000): Promise<SnapshotOf<S>> {
    return until(`screen ${screen}`, () => (this.snapshot?.screen === screen && more(this.snapshot as SnapshotOf<S>) ? (this.snapshot as SnapshotOf<S>) : null), timeoutMs).catch((error: unknown) => {
      throw new Error(`${String(error)}; shown: ${JSON.stringify(this.snapshot)}; rows: ${JSON.stringify(states(this.hall))}`);
    });
  }
  tap(type: Intent['type'], value?: number): void {
    const s = this.snapshot as Snapshot;
    this.#socket.send(JSON.stringify({ type: 'intent', intent: { type, screen: s.screen, revision: s.revision, ...(value === undefined ? {} : { value }) } }));
  }

  /** The start screen, selling, and a card that its meter has seen. */
  async freshVisit(card: string): Promise<void> {
    await this.hall.dock({ do: 'faults', faults: { reset: true } });
    await this.hall.dock({ do: 'remove' });
    await this.on('start', (s) => s.selling, 40_000);
    await this.hall.dock({ do: 'meter', id: card });
  }
  async toAmount(card: string, fen: number): Promise<void> {
    await this.freshVisit(card);
    await this.hall.dock({ do: 'insert', id: card });
    await this.on('amount');
    this.tap('choose-amount', fen);
    await this.on('amount', (s) => s.quote?.amountFen === fen && !s.busy);
  }
  /** From the start screen to the code. @returns the code */
  async toPay(card: string, fen: number): Promise<string> {
    await this.toAmount(card, fen);
    this.tap('pay', fen);
    return (await this.on('pay', (s) => s.state === 'waiting' && s.qrText !== null)).qrText as string;
  }
}

const states = (hall: Hall): string[] => {
  const { orders, attempts } = hall.rows();
  return orders.map((o) => `${o.orderId} ${o.state} ${attempts.filter((a) => a.orderId === o.orderId).map((a) => a.state).join()}`);
};
const last = (hall: Hall): { order: OrderRow; attempt: AttemptRow; state: string } => {
  const { orders, attempts } = hall.rows();
  const order = orders.toSorted((a, b) => a.createdMs - b.createdMs).at(-1) as OrderRow;
  const attempt = attempts.find((a) => a.orderId === order.orderId) as AttemptRow;
  return { order, attempt, state: `${order.state}/${attempt.state}` };
};
const secondLog = (hall: Hall): string => SecondLog.path(join(hall.dataDir, 'kiosk-second'), 1);
const corePid = (hall: Hall): number => Number(readFileSync(join(hall.dataDir, 'kiosk', 'core.pid'), 'utf8'));

/** SIGKILL, at once, without asking anybody. */
async function kill(hall: Hall): Promise<void> {
  const pid = corePid(hall);
  process.kill(pid, 'SIGKILL');
  await until('the core to be gone', () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
}

/** SIGKILL as soon as the next fact of this kind is on the disk. */
async function killAtFact(hall: Hall, kind: EventKind, act: () => Promise<unknown>): Promise<void> {
  const path = secondLog(hall);
  const from = existsSync(path) ? readFileSync(path).length : 0;
  const acted = act();
  const end = Date.now() + 20_000;
  for (;;) {
    if (readFileSync(path).subarray(from).includes(`"kind":"${kind}"`)) break;
    if (Date.now() > end) throw new Error(`no ${kind}; ${states(hall).join('; ')}`);
    await turn();
  }
  await kill(hall);
  await acted;
}

const CARD_NO: Readonly<Record<string, string>> = { golden: '8800003921', good: '8800003934', water: '8800003935' };

/** Waits until nothing is left to do, then compares the books of everybody: provider, journal, cards, central. */
async function conserved(hall: Hall, opening: ReadonlyMap<string, { count: number; cumulative: number }>): Promise<void> {
  const over = (o: OrderRow, of: readonly AttemptRow[]): boolean => ['delivered', 'refunded', 'closed', 'parked'].includes(o.state) && of.every((a) => ['closed', 'refunded', 'parked'].includes(a.state) || (a.state === 'paid' && a.taken === true));
  await until('all settled and uploaded', () => {
    const { orders, attempts, outbox } = hall.rows();
    return outbox === 0 && orders.every((o) => over(o, attempts.filter((a) => a.orderId === o.orderId)));
  }, 40_000).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${states(hall).join('; ')}; outbox ${hall.rows().outbox}`);
  });
  const { orders, attempts } = hall.rows();
  const books = (await hall.books()) as unknown as { orders: { outTradeNo: string; total: number; captures: number }[]; refunds: { outTradeNo: string; outRefundNo: string; status: string; refund: number }[] };
  const sum = { captured: 0, delivered: 0, refunded: 0, parked: 0 };
  for (const a of attempts) {
    const order = orders.find((o) => o.orderId === a.orderId) as OrderRow;
    const trade = books.orders.find((t) => t.outTradeNo === a.outTradeNo);
    const captured = (trade?.captures ?? 0) * (trade?.total ?? 0);
    const refunds = books.refunds.filter((r) => r.outTradeNo === a.outTradeNo);
    const refunded = refunds.filter((r) => r.status === 'SUCCESS').reduce((n, r) => n + r.refund, 0);
    expect(refunds.length, a.attemptId).toBeLessThanOrEqual(1);
    expect(refunds.every((r) => r.outRefundNo === a.outRefundNo), a.attemptId).toBe(true);
    const isDelivered = order.state === 'delivered' && order.paidBy === a.attemptId;
    expect({ of: a.attemptId, captured, refunded }).toEqual({ of: a.attemptId, captured: isDelivered || a.state === 'refunded' ? a.amountFen : 0, refunded: a.state === 'refunded' ? a.amountFen : 0 });
    sum.captured += captured;
    sum.refunded += refunded;
    if (isDelivered) sum.delivered += captured;
  }
  expect(sum.captured).toBe(sum.delivered + sum.refunded);
  expect(books.orders.filter((t) => !attempts.some((a) => a.outTradeNo === t.outTradeNo))).toEqual([]);

  const central = (await hall.central()) as unknown as { accounts: { cardNo: string; count: number; cumulative: number; claim: string | null }[]; quarantine: unknown[]; ledger: { kind: string; amountFen: number }[] };
  const entered = (...kinds: string[]): number => central.ledger.filter((l) => kinds.includes(l.kind)).reduce((n, l) => n + l.amountFen, 0);
  expect(central.quarantine).toEqual([]);
  expect({ captured: entered('captured', 'captured-extra'), delivered: entered('delivered'), refunded: entered('refunded') }).toEqual({ captured: sum.captured, delivered: sum.delivered, refunded: sum.refunded });
  for (const [id, before] of opening) {
    const mine = orders.filter((o) => o.quote.cardNo === CARD_NO[id] && o.state === 'delivered');
    const card = await hall.card(id);
    expect({ id, count: card.count, cumulative: card.cumulative }).toEqual({ id, count: before.count + mine.length, cumulative: before.cumulative + mine.reduce((n, o) => n + o.quote.quantity, 0) });
    expect(central.accounts.find((a) => a.cardNo === CARD_NO[id])).toMatchObject({ count: card.count, cumulative: card.cumulative, claim: null });
  }
  expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
}

async function opened(hall: Hall): Promise<Map<string, { count: number; cumulative: number }>> {
  const out = new Map<string, { count: number; cumulative: number }>();
  for (const id of Object.keys(CARD_NO)) {
    // A card comes out of the drawer when it is first asked for.
    await hall.dock({ do: 'meter', id });
    out.set(id, await hall.card(id));
  }
  return out;
}

/** Each group has a hall of its own, so that the shell's back-off between restarts does not add up over all of them. */
let halls: Hall[] = [];
beforeAll(async () => {
  halls = await Promise.all([Hall.start(), Hall.start(), Hall.start(), Hall.start()]);
});
afterAll(async () => {
  await Promise.all(halls.map((h) => h.dispose()));
});

type Scene = (c: Customer, hall: Hall) => Promise<void>;
async function play(index: number, scenes: Readonly<Record<string, Scene>>): Promise<void> {
  const hall = halls[index] as Hall;
  const before = await opened(hall);
  const customer = await Customer.at(hall);
  try {
    for (const [name, scene] of Object.entries(scenes)) {
      try {
        await scene(customer, hall);
        await conserved(hall, before);
      } catch (error) {
        throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}\n${hall.output.slice(-1_500)}`, { cause: error });
      }
    }
  } finally {
    customer.leave();
  }
}

describe.concurrent('the core is killed', () => {
  test('while money is asked for', async () => {
    await play(0, {
      'collecting/creating': async (c, hall) => {
        await c.toAmount('golden', 5_000);
        await hall.dock({ do: 'delay', line: 'payment', ms: 1_500 });
        await killAtFact(hall, 'attempt-creating', async () => c.tap('pay', 5_000));
        expect(last(hall).state).toBe('collecting/creating');
        await hall.dock({ do: 'delay', line: 'payment', ms: 0 });
        await until('closed', () => last(hall).state === 'closed/closed', 30_000);
      },
      'collecting/pending, paid while it restarts': async (c, hall) => {
        const code = await c.toPay('golden', 5_000);
        expect(last(hall).state).toBe('collecting/pending');
        await kill(hall);
        await hall.dock({ do: 'pay', codeUrl: code });
        await c.on('done', () => true, 40_000);
        expect(last(hall).state).toBe('delivered/paid');
      },
      'collecting/closing, paid too late': async (c, hall) => {
        const code = await c.toPay('golden', 5_000);
        await hall.dock({ do: 'cut', line: 'payment', cut: true });
        await killAtFact(hall, 'attempt-closing', async () => c.tap('cancel'));
        expect(last(hall).state).toBe('collecting/closing');
        await hall.dock({ do: 'pay', codeUrl: code });
        await hall.dock({ do: 'cut', line: 'payment', cut: false });
        await until('refunded', () => last(hall).state === 'closed/refunded', 40_000);
      },
      'closed/closed, paid later still': async (c, hall) => {
        const code = await c.toPay('golden', 5_000);
        c.tap('cancel');
        await until('closed', () => last(hall).state === 'closed/closed');
        await kill(hall);
        await hall.dock({ do: 'pay', codeUrl: code, late: true });
        await until('refunded', () => last(hall).state === 'closed/refunded', 40_000);
      },
    });
  });

  test('between the payment and the card', async () => {
    await play(1, {
      'paid/paid, the card outside': async (c, hall) => {
        const code = await c.toPay('good', 5_000);
        await hall.dock({ do: 'scan', codeUrl: code });
        await c.on('pay', (s) => s.state === 'paying');
        await hall.dock({ do: 'remove' });
        await hall.dock({ do: 'pay', codeUrl: code });
        await until('paid', () => last(hall).state === 'paid/paid');
        await kill(hall);
        await hall.dock({ do: 'insert', id: 'good' });
        await c.on('done', () => true, 40_000);
      },
      'delivering/paid': async (c, hall) => {
        await c.toPay('good', 5_000);
        await killAtFact(hall, 'order-delivering', () => hall.dock({ do: 'pay' }));
        expect(['delivering/paid', 'delivered/paid']).toContain(last(hall).state);
        await until('delivered', () => last(hall).state === 'delivered/paid', 40_000);
      },
      'in-doubt/paid, written': async (c, hall) => {
        await c.toPay('good', 5_000);
        await hall.dock({ do: 'tear', at: 9, when: 'after' });
        await hall.dock({ do: 'pay' });
        await until('in doubt', () => last(hall).state === 'in-doubt/paid');
        await kill(hall);
        await hall.dock({ do: 'insert', id: 'good' });
        await until('delivered', () => last(hall).state === 'delivered/paid', 40_000);
      },
      'in-doubt/paid, not written': async (c, hall) => {
        await c.toPay('good', 5_000);
        await hall.dock({ do: 'tear', at: 9, when: 'before' });
        await hall.dock({ do: 'pay' });
        await until('in doubt', () => last(hall).state === 'in-doubt/paid');
        await kill(hall);
        await hall.dock({ do: 'insert', id: 'good' });
        await until('delivered', () => last(hall).state === 'delivered/paid', 40_000);
      },
      'delivered/paid': async (c, hall) => {
        await c.toPay('good', 5_000);
        await killAtFact(hall, 'order-delivered', () => hall.dock({ do: 'pay' }));
        expect(last(hall).state).toBe('delivered/paid');
      },
    });
  });

  test('while money goes back', async () => {
    await play(2, {
      'refunding/refunding, the answer lost': async (c, hall) => {
        await c.toPay('water', 5_000);
        for (let i = 0; i < 3; i++) await hall.dock({ do: 'lie' });
        await hall.dock({ do: 'faults', faults: { dropAnswer: 1, only: ['refund'] } });
        await killAtFact(hall, 'order-refunding', () => hall.dock({ do: 'pay' }));
        expect(last(hall).state).toBe('refunding/refunding');
        await until('refunded', () => last(hall).state === 'refunded/refunded', 40_000);
      },
      'refunding/refunding, the provider takes its time': async (c, hall) => {
        await c.toPay('water', 5_000);
        for (let i = 0; i < 3; i++) await hall.dock({ do: 'lie' });
        await hall.dock({ do: 'faults', faults: { refundDelayMs: 4_000 } });
        await hall.dock({ do: 'pay' });
        await until('the refund to be asked for', async () => (await hall.books()).refunds.some((r) => r.outRefundNo === last(hall).attempt.outRefundNo && r.status === 'PROCESSING'));
        await kill(hall);
        await until('refunded', () => last(hall).state === 'refunded/refunded', 40_000);
      },
      'closed/refunding of a late payment': async (c, hall) => {
        const code = await c.toPay('water', 5_000);
        c.tap('cancel');
        await until('closed', () => last(hall).state === 'closed/closed');
        await killAtFact(hall, 'attempt-refunding', () => hall.dock({ do: 'pay', codeUrl: code, late: true }));
        await until('refunded', () => last(hall).state === 'closed/refunded', 40_000);
      },
      'refunded': async (c, hall) => {
        const code = await c.toPay('water', 5_000);
        c.tap('cancel');
        await until('closed', () => last(hall).state === 'closed/closed');
        await killAtFact(hall, 'attempt-refunded', () => hall.dock({ do: 'pay', codeUrl: code, late: true }));
        expect(last(hall).state).toBe('closed/refunded');
      },
    });
  });

  test('at random instants', async () => {
    const hall = halls[3] as Hall;
    const seed = Number(process.env['PILOTLIGHT_SEED'] ?? Date.now() % 1_000_000);
    console.log(`random kills, seed ${seed} (PILOTLIGHT_SEED=${seed} repeats it)`);
    let x = seed;
    const random = (): number => (x = (Math.imul(x, 1_103_515_245) + 12_345) & 0x7fff_ffff) / 0x7fff_ffff;
    const kills = Number(process.env['PILOTLIGHT_KILLS'] ?? 6);
    const starts = (): number => readSecondLog(secondLog(hall)).events.filter((e) => e.kind === 'core-started').length;
    const before = await opened(hall);
    const customer = await Customer.at(hall);
    try {
      for (let n = 0; n < kills; n++) {
        const code = await customer.toPay('golden', 5_000 + n * 100);
        const paid = hall.dock({ do: 'pay', codeUrl: code });
        await pause(random() * 2_600);
        await kill(hall);
        await paid;
        // A sale that was over before the kill leaves nothing to wait for but the core itself.
        await until(`kill ${n}: started again`, () => starts() >= n + 2, 40_000);
        await until(`kill ${n}: delivered or refunded`, () => ['delivered', 'refunded', 'closed'].includes(last(hall).order.state) && !['refunding', 'closing', 'pending'].includes(last(hall).attempt.state), 40_000);
        await conserved(hall, before);
      }
      expect(starts()).toBe(kills + 1);
    } finally {
      customer.leave();
    }
  }, 60_000 + 15_000 * Number(process.env['PILOTLIGHT_KILLS'] ?? 6));
});
