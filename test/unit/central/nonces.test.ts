import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBillingClient } from '../../../src/billing/client.ts';
import { migrate } from '../../../src/central/db/migrate.ts';
import { DEMO_ACCOUNTS, DEMO_DATA } from '../../../src/demo/central-data.ts';
import type { SeedAccount } from '../../../src/central/fleet/seed.ts';
import { MIGRATIONS } from '../../../src/central/db/migrations/index.ts';
import { createCentral } from '../../../src/central/central.ts';
import type { Central } from '../../../src/central/central.ts';
import type { CentralRequest } from '../../../src/central/http/request.ts';
import {
  API_VERSION,
  API_VERSION_HEADER,
  CLAIM_MS,
} from '../../../src/shared/central-api/index.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { ENGINES, openDb, openRoom, quickSigner } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

const ACCOUNTS: readonly SeedAccount[] = [
  { ...(DEMO_ACCOUNTS[1] as SeedAccount), cardNo: '8800004500', userNo: '1002204500' },
];
const CARD = '8800004500';

describe.each(ENGINES)('a request comes a second time on %s', (engine) => {
  let room: Room;
  /** Another process of the same service. */
  let second: Central;
  const t = (i: number): Terminal => room.terminals[i] as Terminal;
  beforeAll(async () => {
    room = await openRoom(engine, 2, { accounts: ACCOUNTS });
    second = createCentral({
      db: room.db,
      ...DEMO_DATA,
      claims: [],
      policySigner: quickSigner('policy'),
      answerSigner: quickSigner('answers'),
      gatewaySigner: quickSigner('gateway'),
      verifierOf: quickSigner,
      now: () => room.now,
      terminals: room.terminals.map(({ id }) => ({ terminalId: id, publicKeyPem: id })),
      accounts: ACCOUNTS,
    });
    await second.open();
  }, 60_000);
  afterAll(() => room.close());

  interface Options {
    readonly aheadMs?: number;
    readonly nonce?: () => Uint8Array;
    readonly key?: string;
    /** The API's version that the client says; null: none. */
    readonly api?: string | null;
  }
  /** A client whose requests are kept as they left. */
  function recorded(
    i: number,
    { aheadMs = 0, nonce = () => randomBytes(16), key = t(i).id, api }: Options = {},
  ) {
    const sent: CentralRequest[] = [];
    const answered: string[] = [];
    const client = createBillingClient({
      baseUrl: 'http://central',
      terminalId: t(i).id,
      signer: quickSigner(key),
      policyKeys: new Keyring(quickSigner('policy')),
      answerKeys: new Keyring(quickSigner('answers')),
      timeoutMs: 1_000,
      clock: {
        nowMs: () => room.now + aheadMs,
        monoMs: () => room.now,
        after: () => () => undefined,
      },
      random: { bytes: nonce },
      send: async ({ method, target, headers, body }) => {
        const request = {
          method,
          target,
          headers: Object.fromEntries(
            Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]),
          ),
          body: body ?? new Uint8Array(0),
        };
        if (api !== undefined) delete request.headers[API_VERSION_HEADER];
        if (typeof api === 'string') request.headers[API_VERSION_HEADER] = api;
        sent.push(request);
        const answer = await room.central.handle(request);
        answered.push(answer.body);
        return {
          status: answer.status,
          header: (name) => answer.headers[name] ?? null,
          body: Buffer.from(answer.body, 'utf8'),
        };
      },
    });
    return { client, sent, answered, last: () => sent.at(-1) as CentralRequest };
  }
  const type = (body: string): string => (JSON.parse(body) as { type: string }).type;
  const replay = async (
    request: CentralRequest,
    central = room.central,
  ): Promise<readonly [number, string]> => {
    const a = await central.handle(request);
    return [a.status, a.status === 200 ? '' : type(a.body)];
  };
  const REPLAYED = [409, 'about:pilotlight/replayed'];
  const kept = async (): Promise<number> =>
    Number((await room.db.query<{ n: unknown }>('SELECT COUNT(*) AS n FROM nonces'))[0]?.n);

  it('a client of a newer API is refused by that name; one that says no version is of the first', async () => {
    for (const [api, good] of [
      [String(API_VERSION), true],
      [null, true],
      [String(API_VERSION + 1), false],
      ['one', false],
    ] as const) {
      const { client, answered } = recorded(0, { api });
      expect((await client.policy()).ok, String(api)).toBe(good);
      if (!good) expect(type(answered.at(-1) ?? '')).toBe('about:pilotlight/api-version');
    }
  });

  it('a write claim that was refused once is not granted later to whoever kept it, and ends no other’s', async () => {
    const id = 'PL-000000000311-1-0001-7001';
    const q = await t(0).client.quote({
      orderId: id,
      cardNo: CARD,
      nextCount: 42,
      amountFen: 10_000,
    });
    if (!q.ok) throw new Error(q.error.code);
    t(0).journal.quoted(id, q.value, '1002204500');
    t(0).journal.paid(id, 10_000);
    t(0).journal.delivering(id, q.value);
    t(0).journal.inDoubt(id);
    expect(await t(0).upload()).toEqual([]);
    const { client, last } = recorded(1);
    // The origin's lease: refused.
    expect(await client.claim(id, 'write', CARD)).toMatchObject({
      ok: false,
      error: { code: 'BILL-0105' },
    });
    const old = last();
    room.now += CLAIM_MS;
    for (const central of [room.central, second])
      expect(await replay(old, central)).toEqual(REPLAYED);
    expect(await room.db.query('SELECT write_terminal, write_open FROM orders')).toMatchObject([
      { write_terminal: t(0).id, write_open: null },
    ]);
    // Asked anew by the kiosk itself, in its own words, it is.
    expect(await client.claim(id, 'write', CARD)).toMatchObject({ ok: true });
  });

  it('delivered twice on the way, the first one’s answer stands; a query is no exception', async () => {
    const { client, last, sent } = recorded(0);
    expect(await client.account(CARD)).toMatchObject({ ok: true });
    expect(last().method).toBe('GET');
    expect(await replay(last())).toEqual(REPLAYED);
    t(0).journal.add('clock-step', null, { stepMs: 1 });
    expect(await t(0).journal.send(client, t(0).journal.events.length)).toMatchObject({
      kind: 'acked',
    });
    expect(await replay(last())).toEqual(REPLAYED);
    expect(new Set(sent.map((r) => r.headers['pilotlight-nonce'])).size).toBe(sent.length);
    // Two at once: one is carried out.
    const fresh = recorded(0, { nonce: () => new Uint8Array(16).fill(7) });
    const both = await Promise.all([fresh.client.commands(), fresh.client.commands()]);
    expect(both.filter((r) => r.ok)).toHaveLength(1);
    // The kiosk that hears only of the second one knows nothing, and asks again.
    expect(both.find((r) => !r.ok)).toMatchObject({ error: { code: 'BILL-0101' } });
  });

  it('nonces are each terminal’s own, and only its own key uses one up', async () => {
    const nonce = (): Uint8Array => new Uint8Array(16).fill(9);
    expect(await recorded(0, { nonce, key: 'a stranger' }).client.commands()).toMatchObject({
      ok: false,
      error: { code: 'BILL-0103' },
    });
    expect(await recorded(0, { nonce }).client.commands()).toMatchObject({ ok: true });
    expect(await recorded(1, { nonce }).client.commands()).toMatchObject({ ok: true });
    expect(await recorded(1, { nonce }).client.commands()).toMatchObject({ ok: false });
    // Not a store for anything.
    const before = await kept();
    expect(await recorded(1, { nonce: () => new Uint8Array(33) }).client.commands()).toMatchObject({
      ok: false,
      error: { code: 'BILL-0103' },
    });
    expect(await kept()).toBe(before);
  });

  it('kept for as long as its timestamp could be taken, then let go', async () => {
    const ahead = recorded(0, { aheadMs: 300_000 });
    expect(await ahead.client.commands()).toMatchObject({ ok: true });
    for (let i = 0; i < 10; i++) {
      room.now += 60_000;
      await t(0).client.commands();
      expect(await replay(ahead.last())).toEqual(REPLAYED);
    }
    room.now += 1;
    expect(await replay(ahead.last())).toEqual([401, 'about:pilotlight/bad-signature']);
    expect(await kept()).toBeGreaterThan(1);
    room.now += 3 * 3_600_000;
    for (const terminal of room.terminals) await terminal.client.commands();
    expect(await kept()).toBe(2);
  });
});

describe('the migration to nonces', () => {
  it('comes upon a service that runs', async () => {
    const db = await openDb('postgres');
    await db.exec(
      'CREATE TABLE schema_migrations (number integer PRIMARY KEY, name text NOT NULL)',
    );
    const mine = MIGRATIONS.findIndex((m) => m.name === 'nonces');
    for (const [i, { name, sql }] of MIGRATIONS.slice(0, mine).entries())
      await db.exec(
        `BEGIN; ${sql}; INSERT INTO schema_migrations VALUES (${i + 1}, '${name}'); COMMIT;`,
      );
    await expect(db.query('SELECT 1 FROM nonces')).rejects.toMatchObject({ code: '42P01' });
    await migrate(db);
    await db.query(`INSERT INTO nonces (terminal_id, nonce, until_ms) VALUES ('a', 'b', 1)`);
    await expect(
      db.query(`INSERT INTO nonces (terminal_id, nonce, until_ms) VALUES ('a', 'b', 2)`),
    ).rejects.toMatchObject({ code: '23505' });
    await expect(migrate(db)).resolves.toBeUndefined();
    await db.close();
  }, 60_000);
});
