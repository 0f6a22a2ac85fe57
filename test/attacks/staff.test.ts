import { afterEach, describe, expect, it } from 'vitest';
import { refundBar } from '../../src/central/gateway/bars.ts';
import type { Trade } from '../../src/central/gateway/rows.ts';
import type { EventBody } from '../../src/shared/facts/catalogue.ts';
import type { Quote } from '../../src/shared/central-api/index.ts';
import { Keyring } from '../../src/shared/signatures.ts';
import { createBillingClient } from '../../src/billing/client.ts';
import { makeAttemptIds } from '../../src/shared/order-id.ts';
import { accountsOf, COUNT } from '../concurrency/company.ts';
import { random } from '../unit/central/gateway-town.ts';
import { into, openRoom, quickSigner, walletNumberOf } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/** A technician with an accomplice, and a clerk alone at the console, want money that is not theirs. */
const ACCOUNTS = accountsOf(10);
let room: Room;
afterEach(() => room.close());
const t = (): Terminal => room.terminals[0] as Terminal;
const start = async (): Promise<void> => {
  room = await openRoom('sqlite', 2, { accounts: ACCOUNTS, claims: [] });
};
let orders = 0;
const CONFIRMED = { verdict: 'confirmed', who: '李主管', route: 'original' };

/** A paid order that was parked: its card was lost. `taken`: what it paid with. */
async function parked(
  written = false,
): Promise<{ id: string; q: Quote; ok: Record<string, string> }> {
  const account = ACCOUNTS[orders++] as (typeof ACCOUNTS)[number];
  const id = `PL-${t().id}-1-${String(orders).padStart(4, '0')}-7000`;
  const answer = await t().client.quote({
    orderId: id,
    cardNo: account.cardNo,
    nextCount: COUNT + 1,
    amountFen: 10_000,
  });
  if (!answer.ok) throw new Error(answer.error.code);
  t().journal.quoted(id, answer.value, account.userNo);
  t().journal.paid(id, 10_000);
  if (written) {
    t().journal.delivering(id, answer.value);
    t().journal.inDoubt(id, 'counter');
    expect(await t().upload()).toEqual([]);
    expect(await t().client.claim(id, 'counter', account.cardNo)).toMatchObject({ ok: true });
  }
  t().journal.add('order-parked', id, { reason: 'CARD-0204', nextStep: 'staff' });
  expect(await t().upload()).toEqual([]);
  return { id, q: answer.value, ok: { ...CONFIRMED, transaction: walletNumberOf(id) } };
}
/** What a technician says at the kiosk. */
async function says(
  id: string,
  how: EventBody<'parked-settled'>['how'] = 'refunded-by-hand',
): Promise<number> {
  const body = { attemptId: null, how, reference: 'CASH-1', who: '王工', why: '退给客户了' };
  const seq = t().journal.add('parked-settled', id, body);
  expect(await t().upload()).toEqual([]);
  return seq;
}
const page = (target: string) =>
  room.central.staff({ method: 'GET', target, headers: {}, body: new Uint8Array(0) });
let token = '';
/** The second person fills in the console's form. */
async function decide(seq: number, form: Record<string, string>, epoch = 1) {
  const target = `/console/by-hand?terminal=${t().id}&epoch=${epoch}&seq=${seq}`;
  const { body } = await page(target);
  token = /name="token" value="([0-9a-f]+)"/.exec(body)?.[1] ?? token;
  const answer = await room.central.staff({
    method: 'POST',
    target: '/console/by-hand',
    headers: {},
    body: Buffer.from(
      new URLSearchParams({
        token,
        terminal: t().id,
        epoch: String(epoch),
        seq: String(seq),
        why: '已核对',
        ...form,
      }).toString(),
    ),
  });
  return { status: answer.status, body: answer.body, form: body };
}
const entries = async (id: string): Promise<readonly string[]> =>
  (
    await room.db.query<{ kind: string }>(
      'SELECT kind FROM ledger WHERE order_id = $1 ORDER BY entry_id',
      [id],
    )
  ).map((r) => r.kind);
const claimed = async (id: string): Promise<boolean> =>
  (await room.db.query('SELECT 1 FROM claims WHERE order_id = $1', [id])).length > 0;

describe('“refunded by hand”, says a technician whose accomplice is the customer', () => {
  it('and no money counts as handed back, until a second person has its number', async () => {
    await start();
    orders = 0;
    const { id, ok } = await parked();
    const seq = await says(id);
    expect(await entries(id)).toEqual(['captured']);
    expect(await claimed(id)).toBe(true);
    expect((await page('/')).body).toContain('1 笔现场处理待核准');
    // He cannot be his own second, however he spells himself; nor does a number do that is none.
    for (const who of ['王工', ' 王 工 ', '王工。', '王\u200B工'])
      expect((await decide(seq, { ...ok, who })).status).toBe(409);
    for (const transaction of ['', '4200', 'CASH-1', '4200000000002'])
      expect((await decide(seq, { ...ok, transaction })).body).toContain('交易号');
    expect((await decide(seq, { ...ok, route: '' })).body).toContain('途径');
    expect((await decide(seq, { ...ok, route: 'other', why: '现金' })).status).toBe(400);
    expect(await entries(id)).toEqual(['captured']);
    // The form does not tell the number that it asks for.
    const done = await decide(seq, ok);
    expect(done.form).not.toContain(ok['transaction'] ?? '');
    expect(done.status).toBe(303);
    expect(await entries(id)).toEqual(['captured', 'refunded']);
    expect(await claimed(id)).toBe(false);
    expect((await decide(seq, ok)).status).toBe(409);
    expect((await page('/')).body).toContain('李主管');
  });

  it('refused, the order is open as before, and may be asked about again', async () => {
    await start();
    orders = 0;
    const { id, ok } = await parked();
    const first = await says(id);
    const refused = { verdict: 'refused', who: '李主管', why: '钱包里没有退款' };
    expect((await decide(first, refused)).status).toBe(303);
    expect(await entries(id)).toEqual(['captured']);
    expect(await claimed(id)).toBe(true);
    const again = await says(id);
    expect((await decide(again, ok)).status).toBe(303);
    expect(await entries(id)).toEqual(['captured', 'refunded']);
  });

  it('refused, it is asked for anew at the console: his kiosk says its word once', async () => {
    await start();
    orders = 0;
    const { id, ok } = await parked();
    const adopt = `/console/adopt?terminal=${t().id}`;
    const ask = async (over: Record<string, string> = {}) => {
      const form = { token, terminal: t().id, piece: `${id}/1`, how: 'refunded-by-hand' };
      const said = { ...form, reference: 'W-1', who: '张工', why: '商户平台已退', ...over };
      const body = Buffer.from(new URLSearchParams(said).toString());
      return (
        await room.central.staff({ method: 'POST', target: '/console/adopt', headers: {}, body })
      ).status;
    };
    const seq = await says(id, 'delivered-by-hand');
    // While it waits, nobody asks beside it.
    expect((await page(adopt)).body).toContain('没有未结的款');
    await decide(seq, { verdict: 'refused', who: '李主管', why: '没有补气的单据' });
    expect((await page('/')).body).toContain(`href="${adopt}"`);
    expect((await page(adopt)).body).toContain(id);
    expect(await ask()).toBe(303);
    expect(await ask()).toBe(409);
    // Two persons, as ever.
    expect((await decide(1, { ...ok, who: '张工' }, 0)).status).toBe(409);
    expect(await entries(id)).toEqual(['captured']);
    expect((await decide(1, ok, 0)).status).toBe(303);
    expect(await entries(id)).toEqual(['captured', 'refunded']);
    expect(await claimed(id)).toBe(false);
    expect((await page(adopt)).body).toContain('没有未结的款');
  });

  it('while it waits, the purchase is found on the card: nothing is handed back any more', async () => {
    await start();
    orders = 0;
    const { id, q, ok } = await parked(true);
    const seq = await says(id);
    room.terminals[1]?.journal.assisted(t().id, id, q, 'after');
    await room.terminals[1]?.upload();
    const told = await decide(seq, ok);
    expect(told.status).toBe(409);
    expect(await entries(id)).not.toContain('refunded');
  });
});

describe('“delivered by hand” or “nothing due”', () => {
  it('frees the card’s count for nobody, without a second person', async () => {
    await start();
    orders = 0;
    for (const how of ['delivered-by-hand', 'nothing-due'] as const) {
      const { id, ok } = await parked();
      const seq = await says(id, how);
      expect(await claimed(id)).toBe(true);
      expect((await decide(seq, { ...ok, transaction: '4200000000009' })).status).toBe(409);
      expect((await decide(seq, ok)).status).toBe(303);
      expect(await claimed(id)).toBe(false);
    }
  });
});

describe('paid out by hand, and by the gateway as well', () => {
  it('waits at the gateway while a second person looks, and is refused after', async () => {
    await start();
    orders = 0;
    const { id, ok } = await parked();
    const outTradeNo = makeAttemptIds(id, 1, random).outTradeNo;
    const bar = () =>
      refundBar(room.db, { order_id: id, out_trade_no: outTradeNo } as unknown as Trade);
    expect(await bar()).toBeNull();
    const seq = await says(id);
    expect(await bar()).toBe('claimed-not');
    expect((await decide(seq, ok)).status).toBe(303);
    expect(await bar()).toBe('by-hand');
  });
});

describe('a terminal’s key that was changed', () => {
  const NEXT = 'next-key\n';
  const HOUR_MS = 3_600_000;
  /** A client with the terminal's name and this key. */
  const withKey = (key: string) =>
    createBillingClient({
      baseUrl: 'http://central',
      terminalId: t().id,
      signer: quickSigner(key),
      policyKeys: new Keyring(quickSigner('policy')),
      answerKeys: new Keyring(quickSigner('answers')),
      clock: { nowMs: () => room.now, monoMs: () => room.now, after: () => () => undefined },
      random,
      timeoutMs: 1_000,
      send: into(room.central),
    });
  async function change(hours: string, key = NEXT): Promise<number> {
    const { body } = await page(`/console/terminal?terminal=${t().id}`);
    token = /name="token" value="([0-9a-f]+)"/.exec(body)?.[1] ?? token;
    const fields = { token, terminal: t().id, key, hours, who: '王', why: '换密钥' };
    const answer = await room.central.staff({
      method: 'POST',
      target: '/console/key',
      headers: {},
      body: Buffer.from(new URLSearchParams(fields).toString()),
    });
    return answer.status;
  }
  const reads = async (key: string): Promise<boolean> =>
    (await withKey(key).account((ACCOUNTS[0] as (typeof ACCOUNTS)[number]).cardNo)).ok;
  /** Something new of the terminal's journal, under this key. */
  async function uploads(key: string): Promise<boolean> {
    const seq = t().journal.add('clock-step', null, { stepMs: 1 });
    return (await t().journal.send(withKey(key), seq)).kind === 'acked';
  }

  it('counts beside the next one until the overlap ends, and never after', async () => {
    await start();
    const old = t().id;
    expect(await reads(NEXT)).toBe(false);
    expect(await change('2')).toBe(303);
    for (const key of [old, NEXT, old]) {
      expect(await reads(key)).toBe(true);
      expect(await uploads(key)).toBe(true);
    }
    // No third one meanwhile, and no later end.
    expect(await change('2', 'third\n')).toBe(409);
    expect(await change('700')).toBe(303);
    room.now += 2 * HOUR_MS;
    expect(await reads(old)).toBe(false);
    expect(await uploads(NEXT)).toBe(true);
    expect(await withKey(old).account('x')).toMatchObject({ ok: false });
    // The next change begins from the key that counts.
    expect(await change('1', 'third\n')).toBe(303);
    expect([await reads(old), await reads(NEXT), await reads('third\n')]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('is refused at once where it is feared to be in strange hands', async () => {
    await start();
    expect(await change('0')).toBe(303);
    expect(await reads(t().id)).toBe(false);
    expect(await reads(NEXT)).toBe(true);
    expect(await uploads(t().id)).toBe(false);
  });
});
