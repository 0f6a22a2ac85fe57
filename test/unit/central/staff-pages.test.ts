import { afterEach, expect, it } from 'vitest';
import type { Role } from '../../../src/central/staff/roles.ts';
import { ROLES } from '../../../src/central/staff/roles.ts';
import type { Room } from './harness.ts';
import { member, openStaffRoom } from './staff-room.ts';
import type { Member } from './staff-room.ts';

/** Staff pages as the readers of each role see them. */

let room: Room;
afterEach(async () => {
  await room.close();
});
const T = '000000000311';
const REVOKED = '000000000312';

/** One of each that waits for a person, so that every page's links are there. */
async function fill(): Promise<void> {
  const at = room.now;
  const [card] = await room.db.query<{ user_no: string; card_no: string }>(
    'SELECT user_no, card_no FROM cards ORDER BY card_no LIMIT 1',
  );
  const { user_no: user = '', card_no: no = '' } = card ?? {};
  const order = `INSERT INTO orders (order_id, terminal_id, card_no, user_no, next_count, amount_fen,
    quantity, carried_used_micro, carried_after_micro, offline, tag, state, unproven, created_ms,
    changed_ms) VALUES ($1, $2, $3, $4, 3, 5000, 1000, 0, 0, $5, 'x', $6, $7, $8, $8)`;
  const hand = `INSERT INTO hand_requests (terminal_id, epoch, seq, order_id, attempt_id, whole_order,
    how, reference, who, why, asked_ms, state, decided_who, decided_why, decided_ms)
    VALUES ($1, 1, $2, 'PL-1', 'A', $3, 'refunded-by-hand', 'R', 'x', 'y', $4, $5, $6, $6, $7)`;
  const rows: readonly (readonly [sql: string, ...params: readonly unknown[]])[] = [
    [order, 'PL-1', T, no, user, false, 'parked', false, at],
    [order, 'PL-2', T, no, user, false, 'paid', true, at],
    [hand, T, 8, true, at, 'waiting', null, null],
    [hand, T, 9, true, at, 'refused', '钱', at],
    [
      `INSERT INTO gateway_trades (terminal_id, out_trade_no, order_id, method, amount_fen,
         description, expires_ms, state, leg, created_ms)
       VALUES ($1, 'P', 'PL-1', 'qr', 10000, 'gas', $2, 'open', 'L', $2)`,
      T,
      at,
    ],
    [
      `INSERT INTO gateway_legs (leg, terminal_id, out_trade_no, wallet, method, amount_fen,
         expires_ms, state, shown, reason, captured_fen, created_ms, changed_ms)
       VALUES ('L', $1, 'P', 'wechat', 'qr', 10000, $2, 'parked', $3, 'refused', 10000, $2, $2)`,
      T,
      at,
      true,
    ],
    [
      `INSERT INTO quarantine (terminal_id, epoch, seq, kind, reason, at_ms)
       VALUES ($1, 1, 1, 'order-paid', 'unknown', $2)`,
      T,
      at,
    ],
    [
      `INSERT INTO journal_events (terminal_id, epoch, seq, kind, wall_ms, body, hash, received_ms)
       SELECT $1, 1, n, 'order-paid', $2, '{}', 'h', $2 FROM (SELECT 1 AS n UNION SELECT 2) AS two`,
      T,
      at,
    ],
    [
      `INSERT INTO held_facts (terminal_id, epoch, seq, order_id, reason, held_ms)
       VALUES ($1, 1, 2, 'PL-2', 'waits', $2)`,
      T,
      at,
    ],
    [
      `INSERT INTO epoch_requests (terminal_id, epoch, last_seq, last_hash, why, at_ms)
       VALUES ($1, 1, 0, 'x', 'restored', $2)`,
      T,
      at,
    ],
    [
      `INSERT INTO refund_waits (terminal_id, number, out_trade_no, fen, since_ms)
       VALUES ($1, 'N', 'P', 10000, $2)`,
      T,
      at,
    ],
    [
      `INSERT INTO card_grants (user_no, quantity, micro, reference, state, asked_who, asked_why,
         asked_ms) VALUES ($1, 100, 2000000, 'G', 'asked', 'x', 'y', $2)`,
      user,
      at,
    ],
    [
      `INSERT INTO sale_findings (order_id, reason, terminal_id, user_no, detail, accuses, at_ms)
       VALUES ('PL-2', 'over-known-limit', $1, $2, 'x', $3, $4)`,
      T,
      user,
      true,
      at,
    ],
    [
      `INSERT INTO card_stops (card_no, reason, terminal_id, at_ms) VALUES ($1, 'count', $2, $3)`,
      no,
      T,
      at,
    ],
    [
      `INSERT INTO unproven_refunds (order_id, terminal_id, user_no, card_no, next_count, amount_fen,
         open_fen, unwritten, state, reason, first_ms, changed_ms)
       VALUES ('PL-2', $1, $2, $3, 3, 5000, 5000, 'x', 'waiting', 'unwritten', $4, $4)`,
      T,
      user,
      no,
      at,
    ],
    [
      `INSERT INTO alarms (code, subject, measure, told_measure, detail, raised_ms, changed_ms)
       VALUES ('TERMINAL-SILENT', $1, 30, 30, '', $2, $2)`,
      T,
      at,
    ],
    [`UPDATE terminals SET status = 'revoked' WHERE terminal_id = $1`, REVOKED],
  ];
  for (const [sql, ...params] of rows) await room.db.query(sql, params);
}

const addressesIn = (body: string): readonly string[] =>
  [...body.matchAll(/href="([^"]*)"/g)].map(([, address = '']) => address.replaceAll('&amp;', '&'));

/** Every page that links lead to from the first one, with what was answered. */
async function walk({ browser }: Member): Promise<ReadonlyMap<string, string>> {
  const pages = new Map<string, string>();
  const next = ['/'];
  for (let address = next.pop(); address !== undefined; address = next.pop()) {
    if (pages.has(address)) continue;
    const { status, body } = await browser.get(address);
    pages.set(address, status === 200 ? body : `${status}`);
    next.push(...addressesIn(body));
  }
  return pages;
}

it('no link on any page leads its reader to a page that is shut to him, and each role reaches what it works on', async () => {
  room = await openStaffRoom('sqlite', 2);
  await fill();
  /** What each role's walk must come by. */
  const reached: Readonly<Record<Role, readonly string[]>> = {
    viewer: ['/console/money', `/console/terminal?terminal=${REVOKED}`, '/console/held-facts'],
    clerk: [`/console/adopt?terminal=${REVOKED}`, '/console/refund?order=PL-2'],
    finance: ['/console/payment?leg=L', `/console/refund-budget?terminal=${T}&number=N`],
    engineer: [`/console/quarantine?terminal=${T}&epoch=1&seq=1`, `/console/epoch?terminal=${T}`],
    administrator: [`/console/held?terminal=${T}&epoch=1&seq=2`, '/console/payment?leg=L'],
  };
  for (const role of ROLES) {
    const pages = await walk(await member(room, role, role));
    expect([role, [...pages].filter(([, body]) => /^\d{3}$/.test(body))]).toEqual([role, []]);
    expect([...pages.keys()]).toEqual(expect.arrayContaining([...reached[role]]));
  }
});

it('an engineer’s overview has no accounts, which are shut to him; a viewer is told of no key’s change', async () => {
  room = await openStaffRoom('sqlite', 1);
  const overview = async (who: Member) => (await who.browser.get('/console/overview')).body;
  const engineer = await member(room, '李工', 'engineer');
  const viewer = await member(room, '周看', 'viewer');
  expect(await overview(engineer)).not.toContain('<h2>账户</h2>');
  expect(await overview(await member(room, '赵柜', 'clerk'))).toContain('<h2>账户</h2>');
  const page = `/console/terminal?terminal=${T}`;
  expect((await viewer.browser.get(page)).body).not.toContain('换密钥');
  expect((await engineer.browser.get(page)).body).toContain('换密钥');
});

it('a proposal is offered for approval to whose role approves it, and to nobody else', async () => {
  room = await openStaffRoom('sqlite', 1);
  await fill();
  const proposer = await member(room, '李雷', 'engineer');
  const proposed = await proposer.browser.fill(`/console/quarantine?terminal=${T}&epoch=1&seq=1`, {
    why: '补记',
    amount: '-1.50',
    reference: 'TZ-1',
  });
  const page = proposed.headers['location'] ?? '';
  const offered = async (...roles: readonly Role[]): Promise<readonly string[]> => {
    const { browser } = await member(room, roles.join(''), ...roles);
    const { body } = await browser.get(page);
    return [...body.matchAll(/<option value="(\w+)"/g)].map(([, value = '']) => value);
  };
  // Money is finance's to approve, whoever may settle facts; to stop it is anybody's who works here.
  expect(await offered('finance')).toEqual(['confirmed', 'refused']);
  expect(await offered('engineer')).toEqual(['refused']);
  expect(await offered('clerk')).toEqual(['refused']);
  expect(await offered('viewer')).toEqual([]);
});
