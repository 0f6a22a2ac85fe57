import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BillingClient } from '../../../src/billing/types.ts';
import { REFUND_BUDGET } from '../../../src/central/sale/budgets.ts';
import { DEMO_ACCOUNTS } from '../../../src/demo/central-data.ts';
import { CLAIM_MS } from '../../../src/shared/central-api/index.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err } from '../../../src/shared/result.ts';
import { World } from '../../support/kiosk-world.ts';
import { openRoom } from '../central/harness.ts';
import type { Room } from '../central/harness.ts';

/**
 * Two whole kiosks of one town at one central, under one clock: a purchase was torn at the first,
 * the second was let write it and never told what came of it, and the card comes back to the first,
 * which cannot write it. The money goes back on what the first saw while nobody else might write,
 * and the card is put in once.
 */
const HOUR_MS = 3_600_000;

/** A line to central that can be cut, and what was asked over it. */
interface Cuttable {
  away: boolean;
  /** It is cut as soon as the next write claim was granted. */
  cutByGrant: boolean;
  /** So many answers to refund claims are lost, though central had the request. */
  lost: number;
  readonly asked: string[];
}

let room: Room;
let a: World;
let b: World;
let lineA: Cuttable;
let lineB: Cuttable;

function lined(client: BillingClient, line: Cuttable): BillingClient {
  const gone = err(failure('BILL-0101'));
  const over =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>, no: R) =>
    (...args: A): Promise<R> =>
      line.away ? Promise.resolve(no) : call(...args);
  return {
    ...client,
    account: over(client.account, gone),
    quote: over(client.quote, gone),
    release: over(client.release, gone),
    claim: async (orderId, kind, cardNo, claimMs, told) => {
      if (line.away) return gone;
      line.asked.push(kind);
      const answer = await client.claim(orderId, kind, cardNo, claimMs, told);
      line.away ||= line.cutByGrant && kind === 'write' && answer.ok;
      if (kind !== 'refund' || line.lost === 0) return answer;
      line.lost -= 1;
      return gone;
    },
    commands: over(client.commands, gone),
    upload: over(client.upload, { kind: 'away', failure: failure('BILL-0101') }),
  };
}

/** The two kiosks; the cards are the first one's. */
async function begin(): Promise<void> {
  const money = DEMO_ACCOUNTS.find((x) => x.unit === 'money');
  const gas = DEMO_ACCOUNTS.find((x) => x.cardNo === '8800003921');
  if (money === undefined || gas === undefined) throw new Error('no such accounts');
  room = await openRoom('sqlite', 2, {
    accounts: [
      gas,
      { ...money, cardNo: '8800003950', userNo: '1002203350', meterNo: '0000157750', count: 41 },
    ],
    refundBudget: REFUND_BUDGET,
  });
  a = new World(['golden', 'purse']);
  b = new World([], a);
  Object.defineProperty(room, 'now', { get: () => a.clock.nowMs() });
  lineA = { away: false, cutByGrant: false, lost: 0, asked: [] };
  lineB = { away: false, cutByGrant: false, lost: 0, asked: [] };
  const [first, second] = room.terminals;
  if (first === undefined || second === undefined) throw new Error('no terminals');
  a.billing = lined(first.client, lineA);
  b.billing = lined(second.client, lineB);
  await a.start();
  await b.start();
}
async function end(): Promise<void> {
  expect(await b.close()).toEqual([]);
  expect(await a.close()).toEqual([]);
  await room.close();
}
beforeEach(begin);
afterEach(end);

type Card = 'golden' | 'purse';
const lies = (id: Card): void => {
  for (let n = 0; n < 9; n++) a.card(id).arm({ kind: 'lie' });
};
/** Bought at the first kiosk and torn out before anything was written; its lease is over. */
async function torn(id: Card): Promise<void> {
  await a.toPay(id);
  a.card(id).arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
  a.pay.pay();
  await a.untilScreen('in-doubt');
  await a.until('told', () => a.journal.unsent(1) === null);
  await a.run(CLAIM_MS + 1_000);
  expect(a.state()).toBe('in-doubt/paid');
}
/**
 * The second is let write it, and its power and its line are gone before it tells: at once after
 * the fact that it begins, or with the card written. Then its lease is over too.
 */
async function letWriteAndDark(id: Card, when: 'begun' | 'written'): Promise<void> {
  const at = b.at.bind(b);
  const cutAt = when === 'begun' ? 'after assist-writing' : 'after assist-ended';
  b.at = (life, name, cut) => {
    if (`${cut} ${name}` !== cutAt) return at(life, name, cut);
    b.kill();
    return true;
  };
  b.slot.insert(a.card(id));
  lineB.cutByGrant = true;
  await b.until('dark', () => !b.alive, 30_000);
  b.at = at;
  lineB.cutByGrant = false;
  b.slot.remove();
  await a.run(CLAIM_MS + 1_000);
  expect(await openWrite()).toEqual({ write_open: '000000000312' });
}
/** Both get power and line back, and tell what they know. */
async function lightAgain(): Promise<void> {
  lineB.away = false;
  lineA.away = false;
  await b.start();
  await b.until('told', () => b.journal.unsent(1) === null);
  const told = await a.billing?.commands();
  for (const command of told?.ok === true ? told.value.commands : []) a.kiosk.command(command);
  await a.run(1_000);
}
const openWrite = async (): Promise<unknown> =>
  (await room.db.query('SELECT write_open FROM orders', []))[0];
const refundedOnce = (id: Card, before: ReturnType<World['purchase']>): void => {
  expect(a.state()).toBe('refunded/refunded');
  expect(a.pay.keptFen()).toBe(0);
  expect(a.purchase(id)).toEqual(before);
};
/** Put in at the first, whose write the card takes with 9000 and does not keep. */
async function refusedHere(id: Card): Promise<void> {
  lies(id);
  await a.insert(id);
  await a.until('wants its money back', () => a.order().wantsRefund);
}
const refunded = (): boolean => a.state() === 'refunded/refunded';

describe('a write of ours that was refused, with another kiosk’s untold', () => {
  it.each(['golden', 'purse'] as const)(
    '%s: gets its refund by the look that follows the write, though the card is taken at once',
    async (id) => {
      const before = a.purchase(id);
      await torn(id);
      await letWriteAndDark(id, 'begun');
      await refusedHere(id);
      await a.remove();
      await a.until('refunded', refunded, 60_000);
      refundedOnce(id, before);
      expect(lineA.asked).toEqual(['write', 'refund']);
      await lightAgain();
      refundedOnce(id, before);
    },
  );

  it('asks again by that look where the answer was lost, and the card is not wanted once more', async () => {
    const before = a.purchase('golden');
    await torn('golden');
    await letWriteAndDark('golden', 'begun');
    lineA.lost = 3;
    await refusedHere('golden');
    await a.remove();
    await a.until('refunded', refunded, 60_000);
    refundedOnce('golden', before);
    expect(new Set(lineA.asked.slice(1))).toEqual(new Set(['refund']));
  });

  it('looks again by itself at the card that lies in the slot, where the line was away until the look was too old', async () => {
    const before = a.purchase('golden');
    await torn('golden');
    await letWriteAndDark('golden', 'begun');
    lineA.cutByGrant = true;
    await refusedHere('golden');
    lineA.cutByGrant = false;
    await a.run(CLAIM_MS + 60_000);
    expect(a.state()).toBe('in-doubt/paid');
    const seen = a.points.length;
    lineA.away = false;
    await a.until('refunded', refunded, 120_000);
    refundedOnce('golden', before);
    expect(lineA.asked).toEqual(['write', 'refund', 'write', 'refund']);
    // By a read of its own, later than the claim.
    expect(a.points.slice(seen).filter((p) => p.startsWith('before apdu')).length).toBeGreaterThan(
      3,
    );
  });

  it('gets nothing on a look that is too old, the card gone: the second wrote it meanwhile, and once it tells it is delivered', async () => {
    await torn('golden');
    await letWriteAndDark('golden', 'begun');
    lineA.cutByGrant = true;
    await refusedHere('golden');
    lineA.cutByGrant = false;
    await a.remove();
    a.card('golden').disarm();
    await a.run(CLAIM_MS + 1_000);
    lineB.away = false;
    await b.start();
    await letWriteAndDark('golden', 'written');
    lineA.away = false;
    await a.run(HOUR_MS);
    expect(a.state()).toBe('in-doubt/paid');
    expect(a.pay.keptFen()).toBe(10_000);
    await lightAgain();
    expect(a.state()).toBe('delivered/paid');
  });

  it('ends once, whenever the power of the first is cut: its card in the slot, or taken in the dark', async () => {
    const ends = new Set<string>();
    const step = process.env['PILOTLIGHT_FULL'] === '1' ? 1 : 5;
    for (let point = 1; ; point += step) {
      const taken = point % 2 === 0;
      const before = a.purchase('golden');
      await torn('golden');
      await letWriteAndDark('golden', 'begun');
      lies('golden');
      a.plan = { at: a.points.length + point };
      await a.insert('golden');
      await a.until('an end, or the cut', () => !a.alive || a.settled(), 60_000);
      if (a.alive) break;
      if (taken) a.slot.remove();
      await a.start();
      if (taken) {
        // Nobody but the card tells, or the second.
        await a.run(CLAIM_MS + 60_000);
        await a.insert('golden');
      }
      await a.until('an end', () => a.settled(), 300_000);
      ends.add(a.order().state);
      if (a.order().state === 'refunded') refundedOnce('golden', before);
      await lightAgain();
      const kinds = await room.db.query<{ kind: string }>('SELECT kind FROM ledger', []);
      const ended = kinds.map((k) => k.kind).filter((k) => k === 'delivered' || k === 'refunded');
      expect(ended, `cut ${a.crashed}`).toEqual([a.order().state]);
      await end();
      await begin();
    }
    expect(a.state()).toBe('refunded/refunded');
    expect(ends).toEqual(new Set(['refunded']));
  }, 120_000);
});
