import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { masterKeyProvider } from '../../../src/card/keys/master.ts';
import { SAMPLE_KEYS } from '../../../src/card/keys/sample.ts';
import { CLAIM_MS } from '../../../src/shared/central-api/index.ts';
import { DEMO_ACCOUNTS } from '../../../src/demo/central-data.ts';
import type { SeedAccount } from '../../../src/central/fleet/seed.ts';
import { ENGINES, openRoom } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

/**
 * What kiosks keep of an order's writes goes with the order, to whoever may finish it; and who was
 * given a cryptogram is on record.
 */
describe.each(ENGINES)('kept answers on %s', (engine) => {
  let room: Room;
  const t = (i: number): Terminal => room.terminals[i] as Terminal;
  const card: SeedAccount = {
    ...(DEMO_ACCOUNTS[1] as SeedAccount),
    cardNo: '8800004001',
    userNo: '1002204001',
  };
  const id = 'PL-000000000311-1-0001-7001';
  beforeAll(async () => {
    room = await openRoom(engine, 2, {
      accounts: [card],
      cardKeys: masterKeyProvider('hsm', SAMPLE_KEYS),
    });
  }, 60_000);
  afterAll(() => room.close());

  it('those of the seller and of who finishes it, oldest first, in every later claim', async () => {
    const q = await t(0).client.quote({
      orderId: id,
      cardNo: card.cardNo,
      nextCount: 42,
      amountFen: 10_000,
    });
    if (!q.ok) throw new Error(q.error.code);
    const { journal } = t(0);
    journal.quoted(id, q.value, card.userNo);
    journal.paid(id, 10_000);
    journal.delivering(id, q.value);
    journal.add('order-kept', id, { insertion: 1, record: '01AA' });
    journal.add('order-kept', id, { insertion: 1, record: '02BB' });
    journal.inDoubt(id);
    expect(await t(0).upload()).toEqual([]);
    room.now += CLAIM_MS;
    const first = await t(1).client.claim(id, 'write', card.cardNo);
    expect(first.ok && first.value.order?.kept).toEqual(['01AA', '02BB']);
    t(1).journal.add('assist-kept', id, {
      origin: t(0).id,
      cardNo: card.cardNo,
      insertion: 1,
      record: '02CC',
    });
    expect(await t(1).upload()).toEqual([]);
    room.now += CLAIM_MS;
    const own = await t(0).client.claim(id, 'write', card.cardNo);
    expect(own.ok && own.value.order?.kept).toEqual(['01AA', '02BB', '02CC']);
  });

  it('of another order or card are set aside', async () => {
    const seq = t(1).journal.add('assist-kept', id, {
      origin: t(0).id,
      cardNo: '8800004002',
      insertion: 1,
      record: '02DD',
    });
    expect(await t(1).upload()).toEqual([seq]);
    const unknown = t(0).journal.add('order-kept', 'PL-000000000311-1-0009-9999', {
      insertion: 1,
      record: '01',
    });
    expect(await t(0).upload()).toEqual([unknown]);
    const claim = await t(0).client.claim(id, 'write', card.cardNo);
    expect(claim.ok && claim.value.order?.kept).toHaveLength(3);
  });

  it('a cryptogram for the sale, and one that was refused, are on record', async () => {
    expect(
      (
        await t(0).client.cardKey({
          verb: 'external-auth',
          s8: '0000008800004001',
          challenge: '0011223344556677',
        })
      ).ok,
    ).toBe(true);
    expect(
      (
        await t(1).client.cardKey({
          verb: 'external-auth',
          s8: '0000008800004001',
          challenge: '0011223344556677',
        })
      ).ok,
    ).toBe(false);
    const rows = await room.db.query<{
      terminal_id: string;
      order_id: string | null;
      granted: unknown;
    }>('SELECT terminal_id, order_id, granted FROM key_uses ORDER BY id');
    expect(rows.map((r) => [r.terminal_id, r.order_id, Boolean(r.granted)])).toEqual([
      [t(0).id, id, true],
      [t(1).id, null, false],
    ]);
  });
});
