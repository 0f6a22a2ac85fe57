import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OTHER_CHIP } from '../../../src/central/sale/chips.ts';
import { accountsOf } from '../../concurrency/company.ts';
import { ENGINES, openRoom } from './harness.ts';
import type { Room } from './harness.ts';

const ACCOUNTS = accountsOf(1);

/** A replaced Mifare card: its number is bound to the old chip until a person undoes that. */
describe.each(ENGINES)('a card with another chip, on %s', (engine) => {
  let room: Room;
  const { cardNo } = ACCOUNTS[0] as (typeof ACCOUNTS)[number];
  beforeEach(async () => {
    room = await openRoom(engine, 1, { accounts: ACCOUNTS, claims: [] });
    await room.db.query(
      'INSERT INTO card_uids (card_no, uid, order_id, at_ms) VALUES ($1, $2, $3, $4)',
      [cardNo, 'A1B2C3D4', 'PL-1', 1_000],
    );
  });
  afterEach(() => room.close());
  const refused = (why: string, atMs: number): Promise<unknown> =>
    room.db.query(
      `INSERT INTO key_uses (terminal_id, order_id, card_no, verb, granted, why, at_ms)
       VALUES ($1, NULL, $2, 'sector-key', $3, $4, $5)`,
      [room.terminals[0]?.id, cardNo, false, why, atMs],
    );
  const staff = (method: 'GET' | 'POST', target: string, form: Record<string, string> = {}) =>
    room.central.staff({
      method,
      target,
      headers: {},
      body: Buffer.from(new URLSearchParams(form).toString()),
    });
  const chips = async (): Promise<readonly string[]> =>
    (await room.central.data()).otherChips.map((c) => `${c.cardNo} ${c.uid}`);
  const bound = async (): Promise<readonly unknown[]> =>
    room.db.query('SELECT uid FROM card_uids WHERE card_no = $1', [cardNo]);

  it('is shown once another chip was refused, and for no other refusal', async () => {
    await refused('no order of this terminal', 2_000);
    expect(await chips()).toEqual([]);
    expect((await staff('GET', `/console/chip?card=${cardNo}`)).status).toBe(404);
    await refused(OTHER_CHIP, 3_000);
    await refused(OTHER_CHIP, 4_000);
    expect(await chips()).toEqual([`${cardNo} A1B2C3D4`]);
    expect((await staff('GET', '/')).body).toContain('换了芯片的卡');
  });

  it('is let go of by a person for the chip that he saw, and who said so is kept', async () => {
    await refused(OTHER_CHIP, 3_000);
    const { body } = await staff('GET', `/console/chip?card=${cardNo}`);
    const token = /name="token" value="([0-9a-f]+)"/.exec(body)?.[1] ?? '';
    const form = { token, card: cardNo, uid: 'A1B2C3D4', who: '李工', why: '换卡，旧卡已收回' };
    expect((await staff('POST', '/console/chip', { ...form, uid: '00000000' })).status).toBe(409);
    expect((await staff('POST', '/console/chip', { ...form, why: '' })).status).toBe(400);
    expect((await staff('POST', '/console/chip', { ...form, token: 'x' })).status).toBe(403);
    expect(await bound()).toHaveLength(1);
    expect((await staff('POST', '/console/chip', form)).status).toBe(303);
    expect(await bound()).toEqual([]);
    expect(await chips()).toEqual([]);
    expect(await room.db.query('SELECT card_no, uid, who, why FROM chip_changes')).toEqual([
      { card_no: cardNo, uid: 'A1B2C3D4', who: '李工', why: '换卡，旧卡已收回' },
    ]);
    expect((await staff('POST', '/console/chip', form)).status).toBe(409);
  });
});
