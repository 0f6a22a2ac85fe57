import { afterEach, describe, expect, it } from 'vitest';
import type { EventBody } from '../../src/shared/facts/catalogue.ts';
import { accountsOf, COUNT } from '../concurrency/company.ts';
import { openRoom } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/**
 * Whoever is inside already: with a terminal's key, a card that was settled once, a form at the
 * console.
 */
const ACCOUNTS = accountsOf(12);
let room: Room;
afterEach(() => room.close());
const t = (i: number): Terminal => room.terminals[i] as Terminal;
const start = async (): Promise<void> => {
  room = await openRoom('sqlite', 2, { accounts: ACCOUNTS, claims: [] });
};

const account = (i: number) => ACCOUNTS[i] as (typeof ACCOUNTS)[number];
/** What a terminal says that a card showed: so much more gas than was bought, 0.01 units. */
async function seen(
  by: Terminal,
  i: number,
  above: number,
  over: Partial<EventBody<'card-seen'>> = {},
) {
  const { cardNo, cumulative } = account(i);
  by.journal.add('card-seen', null, {
    cardNo,
    layout: 'pl-4442',
    count: COUNT,
    cumulative,
    tag: 'A1B2C3D4',
    taken: COUNT,
    remaining: 0,
    used: cumulative + above,
    ...over,
  });
  expect(await by.upload()).toEqual([]);
}
const stopped = async (): Promise<readonly string[]> =>
  (await room.central.data()).stoppedCards.map((c) => c.cardNo);
const page = (target: string) =>
  room.central.staff({ method: 'GET', target, headers: {}, body: new Uint8Array(0) });
/** A person has looked at the card, and it is sold to again. */
async function settle(i: number): Promise<number> {
  const { cardNo } = account(i);
  const { body } = await page(`/console/card?card=${cardNo}`);
  const of = (name: string): string =>
    new RegExp(`name="${name}" value="([0-9a-f]+)"`).exec(body)?.[1] ?? '';
  const form = { token: of('token'), card: cardNo, until: of('until'), who: '李工', why: '已补款' };
  const answer = await room.central.staff({
    method: 'POST',
    target: '/console/card',
    headers: {},
    body: Buffer.from(new URLSearchParams(form).toString()),
  });
  return answer.status;
}

describe('one terminal’s word about cards that nobody put in', () => {
  it('stops no town: five cards a day, and then an alarm', async () => {
    await start();
    for (let i = 0; i < 12; i++) await seen(t(1), i, 0);
    for (let i = 0; i < 12; i++) await seen(t(0), i, 50_000);
    expect(await stopped()).toHaveLength(5);
    const { terminals } = await room.central.data();
    expect(terminals.find((one) => one.terminalId === t(0).id)?.alarm).toBe('TOO MANY: card-stop');
    // Another one's word counts as ever, and more words about one card are one stop.
    await seen(t(1), 11, 30_000);
    await seen(t(1), 11, 31_000);
    expect(await stopped()).toHaveLength(6);
    const answer = await t(1).client.account(account(10).cardNo);
    expect(answer).toMatchObject({ ok: true, value: { account: { state: 'normal' } } });
  });
});

describe('a card that showed too much once, and was settled', () => {
  it('is stopped when the same sum is taken once more, and not for what it had', async () => {
    await start();
    await seen(t(0), 0, 0);
    await seen(t(0), 0, 11_300);
    expect(await stopped()).toHaveLength(1);
    expect(await settle(0)).toBe(303);
    // An honest holder comes back: what a meter gives on credit comes and goes.
    for (const above of [11_300, 11_000, 11_500, 200]) await seen(t(1), 0, above);
    expect(await stopped()).toEqual([]);
    await seen(t(1), 0, 22_600);
    expect(await stopped()).toEqual([account(0).cardNo]);
    expect(await settle(0)).toBe(303);
    await seen(t(1), 0, 33_900);
    expect(await stopped()).toEqual([account(0).cardNo]);
  });
});
