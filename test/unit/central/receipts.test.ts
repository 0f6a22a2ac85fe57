import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeKey } from '../../../src/central/fleet/keys.ts';
import type { CentralAnswer } from '../../../src/central/http/request.ts';
import type { Quote } from '../../../src/shared/central-api/index.ts';
import { makeReceiptToken } from '../../../src/shared/receipt-link.ts';
import { ENGINES, openRoom, quickSigner } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

const CARD = '8800003921';
const USER = '1002203344';

describe.each(ENGINES)('the page of a slip’s code on %s', (engine) => {
  let room: Room;
  let quote: Quote;
  const ORDER = 'PL-000000000311-1-0001-7391';
  const t = (): Terminal => room.terminals[0] as Terminal;

  beforeEach(async () => {
    room = await openRoom(engine, 2);
    const said = await t().client.quote({
      orderId: ORDER,
      cardNo: CARD,
      nextCount: 42,
      amountFen: 10_000,
    });
    if (!said.ok) throw new Error(said.error.code);
    quote = said.value;
  }, 60_000);
  afterEach(() => room.close());

  const get = (token: string, accepts = 'zh-CN'): Promise<CentralAnswer> =>
    room.central.handle({
      method: 'GET',
      target: `/r/${token}`,
      headers: { 'accept-language': accepts },
      body: new Uint8Array(0),
    });
  const token = (orderId = ORDER, signer = '000000000311'): string =>
    makeReceiptToken(quickSigner(signer), orderId);

  it('waits for the order’s facts, then tells what was bought, paid, and how it stands', async () => {
    const early = await get(token());
    expect(early.status).toBe(200);
    expect(early.body).toContain('0311 0001 7391');
    t().journal.quoted(ORDER, quote, USER);
    t().journal.paid(ORDER, 10_000);
    await t().upload();
    expect((await get(token())).body).toContain('已收到付款，还没有确认写卡');
    t().journal.delivered(ORDER, quote);
    await t().upload();
    const page = await get(token());
    expect(page.body).toContain('已写入卡');
    expect(page.body).toContain('100.00');
    expect(page.body).toContain('37.73');
    // Nothing of the customer beyond the mask of his slip.
    for (const own of [CARD, USER, '张小明', '张*明']) expect(page.body).not.toContain(own);
    expect((await get(token(), 'en-GB,zh;q=0.5')).body).toContain('Written to the card');
    expect(page.headers['cache-control']).toBe('no-store');
    expect(page.headers['referrer-policy']).toBe('no-referrer');
  });

  it('tells that the money went back', async () => {
    t().journal.quoted(ORDER, quote, USER);
    t().journal.paid(ORDER, 10_000);
    t().journal.add('order-refunding', ORDER, {
      attemptId: `${ORDER}/1`,
      failure: { code: 'CARD-0203' },
    });
    await t().upload();
    expect((await get(token())).body).toContain('正在退款');
    t().journal.add('attempt-refunded', ORDER, {
      attemptId: `${ORDER}/1`,
      refundId: 'F1',
      amountFen: 10_000,
    });
    t().journal.add('order-refunded', ORDER, { attemptId: `${ORDER}/1` });
    await t().upload();
    expect((await get(token())).body).toContain('已退款');
  });

  it('opens by its own terminal’s key only, and the same for all that is not', async () => {
    t().journal.quoted(ORDER, quote, USER);
    await t().upload();
    const wrong = [
      token(ORDER, '000000000312'),
      token('PL-000000000312-1-0001-7391'),
      token('PL-999999999999-1-0001-7391', '999999999999'),
      token('PL-000000000311-1-0002-7391').replace('-0002-', '-0001-'),
      'nonsense',
    ];
    const answers = await Promise.all(wrong.map((one) => get(one)));
    expect(new Set(answers.map((a) => `${a.status} ${a.body}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(404);
    expect(answers[0]?.body).not.toContain('7391');
  });

  it('is there for a slip of before its terminal’s key was changed twice, and by the old key for no later order', async () => {
    t().journal.quoted(ORDER, quote, USER);
    await t().upload();
    await room.db.query(
      'INSERT INTO earlier_keys (terminal_id, public_key, until_ms) VALUES ($1, $2, $3)',
      [t().id, 'a-key-of-before', room.now + 1_000_000],
    );
    expect((await get(token(ORDER, 'a-key-of-before'))).status).toBe(200);
    await room.db.query('UPDATE earlier_keys SET until_ms = $1', [1]);
    expect((await get(token(ORDER, 'a-key-of-before'))).status).toBe(404);
  });

  it('a key that is changed stays for the slips of its time, and opens none of the next key’s', async () => {
    t().journal.quoted(ORDER, quote, USER);
    await t().upload();
    const old = t().id;
    const change = async (nextKey: string): Promise<void> => {
      const told = { terminalId: old, nextKey, overlapMs: 1_000, who: '甲', why: '到期' };
      expect(await changeKey(room.db, told, room.now)).toBe(true);
      room.now += 2_000;
    };
    const byOld = (): Promise<CentralAnswer> => get(token(ORDER, old));
    await change('second');
    expect((await byOld()).status).toBe(200);
    // An order that is not here yet counts as one of now.
    const LATER = 'PL-000000000311-1-0002-7391';
    expect((await get(token(LATER, old))).status).toBe(404);
    await change('third');
    expect((await byOld()).status).toBe(200);
    expect((await get(token(LATER, old))).status).toBe(404);
    expect((await get(token(LATER, 'second'))).status).toBe(404);
    expect((await get(token(LATER, 'third'))).body).toContain('还没有收到');
  });
});
