import { afterEach, describe, expect, it } from 'vitest';
import { grantToken, quoteDigest } from '../../../src/shared/grants.ts';
import type { Quote } from '../../../src/shared/central-api/index.ts';
import { accountsOf, COUNT, soldOffline } from '../../concurrency/company.ts';
import { ENGINES, openRoom, quickSigner } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

/** Facts that came before those that they build on. */
describe.each(ENGINES)('facts that come too early, on %s', (engine) => {
  const ACCOUNTS = accountsOf(2);
  let room: Room;
  afterEach(() => room.close());
  const t = (i: number): Terminal => room.terminals[i] as Terminal;
  const account = ACCOUNTS[0] as (typeof ACCOUNTS)[number];
  const id = (terminal: number, n: number): string => `PL-${t(terminal).id}-1-000${n}-7000`;
  const start = async (): Promise<void> => {
    room = await openRoom(engine, 3, { accounts: ACCOUNTS, claims: [] });
  };
  /** The `n`-th purchase of the account's, sold while the line was down: 1, 2, … */
  function sold(terminal: number, n: number, orderId: string): Quote {
    const q = soldOffline(account, n, orderId);
    t(terminal).journal.quoted(orderId, q, account.userNo, { offline: true });
    t(terminal).journal.paid(orderId, q.amountFen);
    return q;
  }
  const states = async (): Promise<readonly string[]> =>
    (await room.db.query<{ state: string }>('SELECT state FROM orders ORDER BY order_id')).map(
      (o) => o.state,
    );
  const held = async (): Promise<readonly string[]> => {
    const data = await room.central.data();
    expect(data.heldOpen).toBe(data.held.length);
    return data.held.map((h) => `${h.kind} ${h.reason}`);
  };
  const quarantined = async (): Promise<readonly string[]> =>
    (await room.central.data()).quarantine.map((q) => q.reason);

  it('a kiosk’s word of an order that is not known yet waits for that order, its payment and its write', async () => {
    await start();
    const order = id(0, 1);
    const q = sold(0, 1, order);
    t(1).journal.assisted(t(0).id, order, q, 'after');
    expect(await t(1).upload()).toEqual([]);
    expect(await held()).toEqual([`assist-ended order ${order} is not known`]);
    expect(await t(0).upload(1)).toEqual([]);
    expect(await held()).toEqual(['assist-ended read on the card, but no write of it is known']);
    expect(await t(0).upload()).toEqual([]);
    expect(await states()).toEqual(['paid']);
    t(0).journal.delivering(order, q);
    await t(0).upload();
    expect(await states()).toEqual(['delivered']);
    expect(await held()).toEqual([]);
    const [row] = await room.db.query<{ terminal_id: string; seq: unknown }>(
      `SELECT terminal_id, seq FROM ledger WHERE kind = 'delivered'`,
    );
    expect(row).toEqual({ terminal_id: t(1).id, seq: 1 });
    expect(await quarantined()).toEqual([]);
  });

  it('the second purchase of a card waits for the first, and its later facts wait behind it', async () => {
    await start();
    const second = sold(1, 2, id(1, 2));
    t(1).journal.delivered(id(1, 2), second);
    t(1).journal.add('order-kept', id(1, 2), { insertion: 1, record: '00FF' });
    expect(await t(1).upload()).toEqual([]);
    expect(await held()).toEqual([
      `order-delivered the account’s count is ${COUNT}, delivered was ${COUNT + 2}`,
      'order-kept waits behind number 6',
    ]);
    const kept = () => room.db.query('SELECT kept FROM orders WHERE order_id = $1', [id(1, 2)]);
    expect(await kept()).toEqual([{ kept: null }]);
    const first = sold(0, 1, id(0, 1));
    t(0).journal.delivered(id(0, 1), first);
    expect(await t(0).upload()).toEqual([]);
    expect(await states()).toEqual(['delivered', 'delivered']);
    expect(await kept()).toEqual([{ kept: '["00FF"]' }]);
    expect(await held()).toEqual([]);
    const told = await t(2).client.account(account.cardNo);
    expect(told.ok && told.value.account.count).toBe(COUNT + 2);
  });

  it('“delivered elsewhere” waits for the word of the kiosk that delivered', async () => {
    await start();
    const order = id(0, 1);
    const q = sold(0, 1, order);
    t(0).journal.delivering(order, q);
    t(0).journal.inDoubt(order);
    t(0).journal.add('order-delivered', order, {
      by: 'elsewhere',
      count: q.nextCount,
      quantity: q.quantity,
      cumulative: 205_000 + q.quantity,
    });
    expect(await t(0).upload()).toEqual([]);
    expect(await states()).toEqual(['in-doubt']);
    t(1).journal.assisted(t(0).id, order, q, 'after');
    expect(await t(1).upload()).toEqual([]);
    expect(await states()).toEqual(['delivered']);
    expect(await held()).toEqual([]);
  });

  it('what will never be right does not wait: another terminal’s name, an order that ended, a count that was passed', async () => {
    await start();
    const order = id(0, 1);
    const q = sold(0, 1, order);
    const foreign = t(1).journal.assisted(t(2).id, order, q, 'after');
    expect(await t(1).upload()).toEqual([foreign]);
    t(0).journal.delivered(order, q);
    await t(0).upload();
    const again = sold(0, 1, id(0, 3));
    const late = t(0).journal.delivered(id(0, 3), again);
    expect(await t(0).upload()).toEqual([late]);
    expect(await held()).toEqual([]);
  });

  it('a forgotten quote is believed by central’s own token, whatever it spends, and by nothing else', async () => {
    await start();
    const greedy = (carriedUsedMicro: number, n: number, signed: boolean): number => {
      const orderId = id(0, n);
      const q = sold(0, 1, orderId);
      t(0).journal.events.splice(-4);
      // What was carried buys as much as it can.
      const [share] = q.shares as [Quote['shares'][number]];
      const more = Math.floor((q.carriedAfterMicro + carriedUsedMicro) / share.priceE4);
      const costMicro = share.costMicro + more * share.priceE4;
      const promised: Quote = {
        ...q,
        orderId,
        quantity: q.quantity + more,
        shares: [{ ...share, quantity: share.quantity + more, costMicro }],
        carriedUsedMicro,
        carriedAfterMicro: q.carriedAfterMicro + carriedUsedMicro - more * share.priceE4,
      };
      const grant = grantToken(quickSigner(signed ? 'answers' : t(0).id), {
        kind: 'quote',
        terminalId: t(0).id,
        orderId,
        digest: quoteDigest(promised),
        grantedMs: room.now,
      });
      t(0).journal.quoted(orderId, { ...promised, grant }, account.userNo);
      return t(0).journal.events.length;
    };
    greedy(2_600_000_000, 1, true);
    const much = greedy(account.carriedMicro, 2, false);
    expect(await t(0).upload()).toEqual([much]);
    expect(await quarantined()).toEqual(['central granted no such quote']);
  });

  it('a person gives up what waits in vain: it is settled in the quarantine', async () => {
    await start();
    const order = id(0, 1);
    const q = sold(0, 1, order);
    t(0).journal.events.splice(0);
    const seq = t(1).journal.assisted(t(0).id, order, q, 'after');
    await t(1).upload();
    const page = (target: string) =>
      room.central.staff({ method: 'GET', target, headers: {}, body: new Uint8Array(0) });
    expect((await page('/')).body).toContain('等待中的记录（1 条）');
    const at = `terminal=${t(1).id}&epoch=1&seq=${seq}`;
    const shown = await page(`/console/held?${at}`);
    expect(shown.body).toContain(order);
    const token = /name="token" value="([0-9a-f]+)"/.exec(shown.body)?.[1] ?? '';
    const give = () =>
      room.central.staff({
        method: 'POST',
        target: '/console/held',
        headers: {},
        body: Buffer.from(
          new URLSearchParams({
            token,
            terminal: t(1).id,
            epoch: '1',
            seq: String(seq),
            who: '王',
            why: '硬盘已毁',
          }).toString(),
        ),
      });
    expect((await give()).status).toBe(303);
    expect((await give()).status).toBe(409);
    expect(await held()).toEqual([]);
    expect(await quarantined()).toEqual([`order ${order} is not known; given up by 王: 硬盘已毁`]);
  });
});
