import { afterEach, describe, expect, it } from 'vitest';
import { createPaymentGateway } from '../../../src/central/gateway/gateway.ts';
import { setStatus } from '../../../src/central/fleet/status.ts';
import type { PaymentGateway } from '../../../src/central/gateway/types.ts';
import type { PaymentProvider, QueryResult } from '../../../src/payment/types.ts';
import { createCentral } from '../../../src/central/central.ts';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { createGatewayProvider } from '../../../src/payment/gateway/provider.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { systemClock } from '../../support/clock.ts';
import { quickSigner } from './harness.ts';
import { random, T, Town } from './gateway-town.ts';

/** A query that the gateway holds until its payment has moved (decision 0046). */
let town: Town;
let gateway: PaymentGateway;
let serial = 0;
afterEach(() => town.close());

/** The gateway of a town whose clock rings. */
async function begin(): Promise<void> {
  town = await Town.open();
  const watched = (w: PaymentProvider): PaymentProvider => ({
    ...w,
    query: (a) => {
      town.asked.push(`${w.kind}.query`);
      return w.query(a);
    },
  });
  gateway = createPaymentGateway(() => town.db, {
    wallets: town.wallets.map(watched),
    publicUrl: 'https://pay.example.com',
    receipts: quickSigner('gateway'),
    clock: town.clock,
    random,
  });
}
const ref = () => ({
  outTradeNo: `P311E1H${String(++serial).padStart(6, '0')}`,
  amountFen: 10_000,
});
type Ref = ReturnType<typeof ref>;
async function made(r: Ref, terminalId = T): Promise<string> {
  const answer = await gateway.create(terminalId, {
    ...r,
    description: '燃气充值',
    expiresAtMs: town.clock.nowMs() + 120_000,
  });
  if (answer.kind !== 'pending') throw new Error(JSON.stringify(answer));
  return answer.qrText.slice(answer.qrText.lastIndexOf('/') + 1);
}
async function tapped(token: string, wallet: string): Promise<string> {
  const opened = await gateway.openPage(token, wallet, '');
  if (opened.kind !== 'go') throw new Error(JSON.stringify(opened));
  return opened.url;
}
/** What was begun has come as far as it comes without a timer. */
const quiet = async (): Promise<void> => {
  for (let i = 0; i < 60; i++) await new Promise((done) => setImmediate(done));
};
/** A query that is held; `said` once it was answered. */
function hold(
  r: Ref,
  change: { waitMs?: number; known?: 'pending' | 'paying'; terminal?: string } = {},
) {
  const { terminal = T, waitMs = 20_000, known = 'pending' } = change;
  const one: { said: QueryResult | null; readonly done: Promise<QueryResult> } = {
    said: null,
    done: gateway.query(terminal, { ...r, waitMs, known }),
  };
  void one.done.then(
    (said) => (one.said = said),
    () => undefined,
  );
  return one;
}
const hear = async (): Promise<void> => {
  const c = town.callbacks.at(-1);
  if (c === undefined) throw new Error('no callback');
  await gateway.hear('wechat', (name) => c.headers[name] ?? null, c.body);
};
const wait = async (ms: number, step = 500): Promise<void> => {
  for (let gone = 0; gone < ms; gone += step) {
    town.clock.advance(step);
    await quiet();
  }
};

describe('a query that is held', () => {
  it('is answered by the wallet’s callback, with the capture and its receipt, and no timer', async () => {
    await begin();
    const r = ref();
    const url = await tapped(await made(r), 'wechat');
    const held = hold(r);
    await quiet();
    expect(held.said).toBeNull();
    town.pay(url);
    await hear();
    expect(await held.done).toMatchObject({ kind: 'paid', amountFen: 10_000 });
    expect(town.clock.pending()).toBe(0);
  });

  it('is not needed for what was known before it began: that is its answer at once', async () => {
    await begin();
    const r = ref();
    const url = await tapped(await made(r), 'wechat');
    town.pay(url);
    await hear();
    await quiet();
    expect(await hold(r).done).toMatchObject({ kind: 'paid' });
    // Nor where nobody heard a callback at all.
    const other = ref();
    town.pay(await tapped(await made(other), 'wechat'));
    expect(await hold(other).done).toMatchObject({ kind: 'paid' });
    expect(await hold(ref()).done).toEqual({ kind: 'not-found' });
  });

  it('a callback in the middle of its look is not slept over', async () => {
    await begin();
    const r = ref();
    const url = await tapped(await made(r), 'wechat');
    const held = hold(r);
    // At every step of the look, one after the other.
    for (let n = 0; n < 12 && held.said === null; n++) {
      await new Promise((done) => setImmediate(done));
      if (n === 3) {
        town.pay(url);
        await hear();
      }
    }
    await quiet();
    expect(held.said).toMatchObject({ kind: 'paid' });
  });

  it('is answered at the end of its wait, and of central’s own bound, with what is still so', async () => {
    await begin();
    const r = ref();
    await made(r);
    const held = hold(r, { waitMs: 3_000 });
    await wait(2_500);
    expect(held.said).toBeNull();
    await wait(500);
    expect(held.said).toEqual({ kind: 'pending' });
    const long = hold(r, { waitMs: 500_000 });
    await wait(19_500, 1_500);
    expect(long.said).toBeNull();
    await wait(500);
    expect(long.said).toEqual({ kind: 'pending' });
    // One that says nothing of waiting is not held.
    expect(await gateway.query(T, r)).toEqual({ kind: 'pending' });
  });

  it('a wallet that tells nothing by itself is asked at its pace, and nobody before a customer has tapped', async () => {
    await begin();
    const r = ref();
    const token = await made(r);
    const held = hold(r);
    await wait(6_000);
    expect(town.asked).toEqual([]);
    const url = await tapped(token, 'alipay');
    await quiet();
    expect(town.asked.filter((a) => a === 'alipay.query')).toHaveLength(1);
    await wait(2_000, 100);
    expect(town.asked.filter((a) => a === 'alipay.query')).toHaveLength(3);
    town.pay(url);
    await wait(800, 100);
    expect(held.said).toMatchObject({ kind: 'paid' });
  });

  it('a lost callback costs seconds: the wallet is asked meanwhile all the same', async () => {
    await begin();
    const r = ref();
    const url = await tapped(await made(r), 'wechat');
    const held = hold(r);
    await quiet();
    town.pay(url);
    await wait(2_500);
    expect(held.said).toMatchObject({ kind: 'paid' });
  });

  it('gives way to a close, to a newer one of its terminal, and to the end of its process', async () => {
    await begin();
    const r = ref();
    await made(r);
    const held = hold(r);
    await quiet();
    expect(await gateway.close(T, r)).toEqual({ kind: 'closed' });
    await quiet();
    expect(['pending', 'closed']).toContain(held.said?.kind);
    const next = ref();
    await made(next);
    const older = hold(next);
    await quiet();
    const newer = hold(next);
    await quiet();
    expect(older.said).toEqual({ kind: 'pending' });
    expect(newer.said).toBeNull();
    gateway.endHolds();
    await quiet();
    expect(newer.said).toEqual({ kind: 'pending' });
    expect(await hold(next).done).toEqual({ kind: 'pending' });
    expect(town.clock.pending()).toBe(0);
  });

  it('another machine’s payment wakes nobody', async () => {
    await begin();
    const [mine, theirs] = [ref(), ref()];
    await tapped(await made(mine), 'wechat');
    const url = await tapped(await made(theirs), 'wechat');
    const held = hold(mine);
    await quiet();
    town.asked.length = 0;
    town.pay(url);
    await hear();
    await quiet();
    expect(held.said).toBeNull();
    expect(town.asked).toEqual(['wechat.query']);
    gateway.endHolds();
  });
});

it('a thousand machines hold: none of them holds anything of the database, and each is answered', async () => {
  await begin();
  const refs = Array.from({ length: 1_000 }, (_, n) => ({ ...ref(), terminal: `T${n}` }));
  for (const { terminal } of refs)
    await town.db.query(
      'INSERT INTO terminals (terminal_id, public_key, epoch) VALUES ($1, $1, 1)',
      [terminal],
    );
  for (const { terminal, ...r } of refs) await made(r, terminal);
  const holds = refs.map(({ terminal, ...r }) => hold(r, { terminal }));
  await quiet();
  await quiet();
  expect(holds.filter((h) => h.said !== null)).toEqual([]);
  // Whoever comes meanwhile is not kept waiting by them.
  expect(await gateway.query('T7', refs[7] as Ref)).toEqual({ kind: 'pending' });
  const before = town.clock.pending();
  expect(before).toBe(1_000);
  await gateway.close('T9', refs[9] as Ref);
  await quiet();
  expect(holds[9]?.said).not.toBeNull();
  town.clock.advance(20_000);
  await Promise.all(holds.map((h) => h.done));
  expect(town.clock.pending()).toBe(0);
});

describe('a terminal that is revoked meanwhile', () => {
  const revoke = { terminalId: T, status: 'revoked', who: 'w', why: 'stolen' } as const;

  it('is told nothing more: what is held ends at once, paid or not', async () => {
    await begin();
    const r = ref();
    const url = await tapped(await made(r), 'wechat');
    const held = hold(r);
    held.done.catch(() => undefined);
    await quiet();
    town.pay(url);
    expect(await setStatus(town.db, revoke, town.clock.nowMs())).toBe(true);
    await expect(held.done).rejects.toMatchObject({ type: 'revoked' });
    expect(town.clock.pending()).toBe(0);
  });

  it('and where the bell is not heard, at the next look', async () => {
    await begin();
    const r = ref();
    await made(r);
    const held = hold(r);
    held.done.catch(() => undefined);
    await quiet();
    await town.db.query(`UPDATE terminals SET status = 'revoked' WHERE terminal_id = $1`, [T]);
    await wait(6_000);
    await expect(held.done).rejects.toMatchObject({ type: 'revoked' });
  });
});

describe('over HTTP', () => {
  it('a central that ends answers at once; a proxy that cuts is no answer, and a plain query is', async () => {
    town = await Town.open();
    const key = quickSigner(T);
    const central = createCentral({
      db: town.db,
      ...DEMO_DATA,
      policySigner: quickSigner('policy'),
      answerSigner: quickSigner('answers'),
      gatewaySigner: quickSigner('gateway'),
      verifierOf: quickSigner,
      now: () => Date.now(),
      terminals: [{ terminalId: T, publicKeyPem: T }],
      payments: {
        wallets: town.wallets,
        publicUrl: 'https://pay.example.com',
        clock: systemClock,
        random,
      },
    });
    const { terminals } = await central.start();
    const provider = createGatewayProvider(
      {
        baseUrl: terminals.baseUrl,
        terminalId: T,
        signer: key,
        answerKeys: new Keyring(quickSigner('gateway')),
      },
      { clock: systemClock, random, timeoutMs: 5_000 },
    );
    const r = ref();
    const request = { ...r, description: 'x', expiresAtMs: Date.now() + 120_000 };
    expect(await provider.create(request)).toMatchObject({ kind: 'pending' });
    const cutting = createGatewayProvider(
      {
        baseUrl: terminals.baseUrl,
        terminalId: T,
        signer: key,
        answerKeys: new Keyring(quickSigner('gateway')),
      },
      {
        clock: systemClock,
        random,
        timeoutMs: 5_000,
        // What lasts longer than 50 ms is cut.
        fetch: (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(50) }),
      },
    );
    const hold = { waitMs: 20_000, known: 'pending' } as const;
    expect(await cutting.hold?.(r, hold)).toMatchObject({ kind: 'unknown' });
    expect(await cutting.query(r)).toEqual({ kind: 'pending' });
    const held = provider.hold?.(r, hold);
    // The one that was cut is still held at central, until this one ends it.
    await expect.poll(() => provider.query(r)).toEqual({ kind: 'pending' });
    const began = performance.now();
    await central.close();
    expect(['pending', 'unknown']).toContain((await held)?.kind);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
