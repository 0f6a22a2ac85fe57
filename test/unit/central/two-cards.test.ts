import { describe, expect, it } from 'vitest';
import { ENGINES, openRoom } from './harness.ts';

describe.each(ENGINES)('two cards of one account, on %s', (engine) => {
  it('one order at a time; the second card’s count is behind once the first was recharged', async () => {
    const room = await openRoom(engine, 2);
    try {
      await room.db.query('INSERT INTO cards (card_no, user_no) VALUES ($1, $2)', [
        '8800007777',
        '1002203334',
      ]);
      const [a, b] = room.terminals as [(typeof room.terminals)[0], (typeof room.terminals)[0]];
      const first = 'PL-000000000311-1-0001-0001';
      const q = await a.client.quote({
        orderId: first,
        cardNo: '8800003934',
        nextCount: 42,
        amountFen: 10_000,
      });
      if (!q.ok) throw new Error(q.error.code);
      const second = {
        orderId: 'PL-000000000312-1-0001-0002',
        cardNo: '8800007777',
        nextCount: 42,
        amountFen: 10_000,
      };
      expect(await b.client.quote(second)).toMatchObject({
        ok: false,
        error: { code: 'SALE-0107' },
      });
      a.journal.quoted(first, q.value, '1002203334');
      a.journal.paid(first, 10_000);
      a.journal.delivered(first, q.value);
      expect(await a.upload()).toEqual([]);
      expect(
        await b.client.quote({ ...second, orderId: 'PL-000000000312-1-0002-0003' }),
      ).toMatchObject({ ok: false, error: { code: 'SALE-0102' } });
    } finally {
      await room.close();
    }
  });
});
