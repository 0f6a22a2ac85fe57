import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttemptRow, OrderRow } from '../../src/journal/fold.ts';
import type { EventKind } from '../../src/shared/facts/catalogue.ts';
import { Hall, until } from '../support/hall.ts';
import { compare, openings, secondLog, settled, states } from './books.ts';
import type { Opening } from './books.ts';
import { Customer } from './customer.ts';
import { RESTART_MS } from './driver.ts';
import { Tail } from './watch.ts';

const last = (hall: Hall): { order: OrderRow; attempt: AttemptRow; state: string } => {
  const { orders, attempts } = hall.rows();
  const order = orders.toSorted((a, b) => a.createdMs - b.createdMs).at(-1) as OrderRow;
  const attempt = attempts.find((a) => a.orderId === order.orderId) as AttemptRow;
  return { order, attempt, state: `${order.state}/${attempt.state}` };
};
const corePid = (hall: Hall): number =>
  Number(readFileSync(join(hall.dataDir, 'kiosk', 'core.pid'), 'utf8'));

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
  const tail = new Tail(secondLog(hall));
  const killed: Promise<void>[] = [];
  tail.on((line) => {
    if (killed.length === 0 && line.includes(`"kind":"${kind}"`)) killed.push(kill(hall));
  });
  const acted = act();
  try {
    await until(kind, () => killed.length > 0, 20_000).catch((error: unknown) => {
      throw new Error(`${String(error)}; ${states(hall).join('; ')}`);
    });
    await Promise.all(killed);
  } finally {
    tail.close();
  }
  await acted;
}

/**
 * Waits until nothing is left to do, then compares the books of everybody: provider, journal,
 * cards, central.
 */
async function conserved(hall: Hall, opening: ReadonlyMap<string, Opening>): Promise<void> {
  await settled(hall);
  const { problems } = await compare(hall, opening);
  expect(problems).toEqual([]);
}

/** Each group has a hall of its own. */
let halls: Hall[] = [];
beforeAll(async () => {
  const template = await Hall.template();
  try {
    halls = await Promise.all(
      [0, 1, 2].map(() =>
        Hall.start(['--shell', 'browser', '--restart-ms', String(RESTART_MS)], {}, template),
      ),
    );
  } finally {
    rmSync(template, { recursive: true, force: true });
  }
});
afterAll(async () => {
  await Promise.all(halls.map((h) => h.dispose()));
});

type Scene = (c: Customer, hall: Hall) => Promise<void>;
async function play(index: number, scenes: Readonly<Record<string, Scene>>): Promise<void> {
  const hall = halls[index] as Hall;
  const before = await openings(hall);
  const customer = await Customer.at(hall);
  try {
    for (const [name, scene] of Object.entries(scenes)) {
      try {
        await scene(customer, hall);
        await conserved(hall, before);
      } catch (error) {
        throw new Error(
          `${name}: ${error instanceof Error ? error.message : String(error)}\n${hall.output.slice(-1_500)}`,
          { cause: error },
        );
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
        await killAtFact(hall, 'attempt-creating', () => c.pay(5_000));
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
        await killAtFact(hall, 'attempt-closing', () => c.cancel());
        expect(last(hall).state).toBe('collecting/closing');
        await hall.dock({ do: 'pay', codeUrl: code });
        await hall.dock({ do: 'cut', line: 'payment', cut: false });
        await until('refunded', () => last(hall).state === 'closed/refunded', 40_000);
      },
      'closed/closed, paid later still': async (c, hall) => {
        const code = await c.toPay('golden', 5_000);
        await c.cancel();
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
        // Another account: one gets a refund on a reader's word, and then waits for a person.
        await c.toPay('good', 5_000);
        for (let i = 0; i < 3; i++) await hall.dock({ do: 'lie' });
        await hall.dock({ do: 'faults', faults: { refundDelayMs: 4_000 } });
        await hall.dock({ do: 'pay' });
        await until('the refund to be asked for', async () =>
          (await hall.books()).refunds.some(
            (r) => r.outRefundNo === last(hall).attempt.outRefundNo && r.status === 'PROCESSING',
          ),
        );
        await kill(hall);
        await until('refunded', () => last(hall).state === 'refunded/refunded', 40_000);
      },
      'closed/refunding of a late payment': async (c, hall) => {
        const code = await c.toPay('water', 5_000);
        await c.cancel();
        await until('closed', () => last(hall).state === 'closed/closed');
        await killAtFact(hall, 'attempt-refunding', () =>
          hall.dock({ do: 'pay', codeUrl: code, late: true }),
        );
        await until('refunded', () => last(hall).state === 'closed/refunded', 40_000);
      },
      refunded: async (c, hall) => {
        const code = await c.toPay('water', 5_000);
        await c.cancel();
        await until('closed', () => last(hall).state === 'closed/closed');
        await killAtFact(hall, 'attempt-refunded', () =>
          hall.dock({ do: 'pay', codeUrl: code, late: true }),
        );
        expect(last(hall).state).toBe('closed/refunded');
      },
    });
  });
});
