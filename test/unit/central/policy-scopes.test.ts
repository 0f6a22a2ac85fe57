import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBillingClient } from '../../../src/billing/client.ts';
import type { BillingClient } from '../../../src/billing/types.ts';
import { openRoom } from './harness.ts';
import type { Room } from './harness.ts';
import { DEMO_ACCOUNTS } from '../../../src/demo/central-data.ts';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import type { Central } from '../../../src/central/central.ts';
import { overlaid } from '../../../src/central/fleet/policy-scopes.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { ed25519Signer, ed25519Verifier } from '../../../src/shared/signing.ts';
import type { HeldPolicy, Policy } from '../../../src/shared/policy.ts';
import { edKeys, ENGINES } from './harness.ts';
import { Company } from './fleet-room.ts';

const { version: _version, wallets: _wallets, ...OWN } = DEMO_POLICY;
const IDS = ['000000000311', '000000000312', '000000000313'] as const;
const KEYS = IDS.map(() => edKeys());

let company: Company;
const client = (i: number, central = company.central): BillingClient =>
  clientOf(IDS[i] as string, KEYS[i]?.privateKeyPem ?? '', central);
function clientOf(terminalId: string, privateKeyPem: string, central: Central): BillingClient {
  return createBillingClient({
    baseUrl: 'http://central',
    terminalId,
    signer: ed25519Signer(privateKeyPem),
    policyKeys: new Keyring(ed25519Verifier(company.publicKeys.policy)),
    answerKeys: new Keyring(ed25519Verifier(company.publicKeys.answers)),
    clock: {
      nowMs: () => company.now,
      monoMs: () => company.now,
      after: () => () => undefined,
    },
    random: { bytes: (n) => new Uint8Array(crypto.getRandomValues(new Uint8Array(n))) },
    timeoutMs: 1_000,
    send: company.send(central),
  });
}
const policyOf = async (i: number, central = company.central): Promise<HeldPolicy> => {
  const answer = await client(i, central).policy();
  if (!answer.ok) throw new Error(answer.error.detail ?? answer.error.code);
  return answer.value.policy;
};
const told = async (i: number): Promise<readonly [number, number, number]> => {
  const { version, minFen, maxFen } = await policyOf(i);
  return [version, minFen, maxFen];
};
const open = async (engine: (typeof ENGINES)[number], policy: Policy | undefined = DEMO_POLICY) => {
  company = await Company.open(engine, {
    policy,
    terminals: IDS.map((terminalId, i) => ({
      terminalId,
      publicKeyPem: KEYS[i]?.publicKeyPem ?? '',
    })),
    accounts: DEMO_ACCOUNTS,
  });
  await company.run(['terminal', 'move', IDS[1], '--site', '城东']);
  await company.run(['terminal', 'move', IDS[2], '--site', '城东']);
};
const papers = (id: string, central = company.central) =>
  central.handle({ method: 'GET', target: `/p/${id}`, headers: {}, body: new Uint8Array(0) });
const publish = (value: unknown, more = '') =>
  company.run(`policy publish ${company.json('policy.json', value)} ${more}`.trim().split(' '));

describe.each(ENGINES)('the policy by scope, on %s', (engine) => {
  beforeEach(() => open(engine), 60_000);
  afterEach(() => company.close());

  it('begins with what central was started with; a site is laid over it, a terminal over both', async () => {
    const v = DEMO_POLICY.version;
    expect(await told(0)).toEqual([v, OWN.minFen, OWN.maxFen]);
    const site = await publish({ minFen: 3_000 }, '--scope site:城东 --why hall');
    expect(site, site.err).toMatchObject({ code: 0 });
    expect(await told(0)).toEqual([v + 1, OWN.minFen, OWN.maxFen]);
    expect(await told(1)).toEqual([v + 1, 3_000, OWN.maxFen]);
    await publish({ maxFen: 40_000 }, `--scope terminal:${IDS[2]}`);
    expect(await told(1)).toEqual([v + 2, 3_000, OWN.maxFen]);
    expect(await told(2)).toEqual([v + 2, 3_000, 40_000]);
    // Everything else of the company's is theirs.
    expect((await policyOf(2)).requests).toEqual((await policyOf(0)).requests);
    // Whoever moves goes by the other site's, under a later version.
    await company.run(['terminal', 'move', IDS[2], '--site', '城西']);
    expect(await told(2)).toEqual([v + 3, OWN.minFen, 40_000]);
  });

  it('a part that leaves one terminal without a policy is refused whole, and says for whom', async () => {
    await publish({ maxFen: 40_000 }, `--scope terminal:${IDS[2]}`);
    const before = await told(0);
    for (const scope of ['site:城东', 'global']) {
      const part = scope === 'global' ? { ...OWN, minFen: 50_000 } : { minFen: 50_000 };
      const refused = await publish(part, `--scope ${scope}`);
      expect(refused.code).toBe(1);
      expect(refused.err).toContain(`terminal:${IDS[2]}: maxFen: less than minFen`);
    }
    expect(await told(0)).toEqual(before);
    // Elsewhere it is well; moved there, the terminal would have none, so it is not moved.
    const elsewhere = await publish({ minFen: 50_000 }, '--scope site:城西');
    expect(elsewhere).toMatchObject({ code: 0 });
    expect(elsewhere.out).toContain('no terminal goes by site:城西');
    const moved = await company.run(['terminal', 'move', IDS[2], '--site', '城西']);
    expect(moved).toMatchObject({ code: 1 });
    expect((await company.run(`terminal show ${IDS[2]}`)).out).toContain('城东');
    // Nor is one let in there that would have none.
    const id = '000000000399';
    await publish({ maxFen: 40_000 }, `--scope terminal:${id}`);
    const add = (site: string) =>
      company.run(`terminal add --id ${id} --site ${site} --name 1`.split(' '));
    const refused = await add('城西');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('maxFen: less than minFen');
    expect((await add('城东')).code).toBe(0);
  });

  it('names what is wrong: bounds, unknown fields, no JSON, scopes, an empty company', async () => {
    for (const [part, why, scope] of [
      [{ ...OWN, minFen: 0 }, 'minFen', 'global'],
      [{ ...OWN, maxFen: 99_999_999 }, 'maxFen', 'global'],
      [{ minFenn: 500 }, 'minFenn: no such field', 'site:A'],
      [{ offline: { capFenn: 1 } }, 'offline.capFenn: no such field', 'site:A'],
      [
        { notices: [{ title: OWN.notices[0]?.title, body: { zh: 'a', en: 'b', fr: 'c' } }] },
        'notices[0].body.fr',
        'site:A',
      ],
      [[], 'is a JSON object', 'global'],
    ] as const)
      expect((await publish(part, `--scope ${scope}`)).err).toContain(why);
    company.files.set('bad.json', Buffer.from('{'));
    expect((await company.run('policy publish bad.json')).code).toBe(1);
    expect((await company.run('policy publish none.json')).code).toBe(1);
    expect((await publish({}, '--scope hall')).code).toBe(2);
    expect((await company.run('policy history')).out).not.toContain('publish');
  });

  it('a dry run shows and keeps nothing; a base that was overtaken is refused; who and why are kept', async () => {
    const v = DEMO_POLICY.version;
    const dry = await publish({ ...OWN, hotline: '95598' }, '--dry-run');
    expect(dry.out).toContain('+ hotline: "95598"');
    expect(await told(0)).toEqual([v, OWN.minFen, OWN.maxFen]);
    expect((await publish({ ...OWN, hotline: '1' }, `--base ${v} --why first`)).code).toBe(0);
    const late = await publish({ ...OWN, hotline: '2' }, `--base ${v}`);
    expect(late.err).toContain(`published since, as version ${v + 1}`);
    expect((await publish({ ...OWN, hotline: '1' })).out).toContain('says this already');
    const shown = await company.run('policy show');
    expect(JSON.parse(shown.out)).toMatchObject({ version: v + 1, hotline: '1' });
    const history = await company.run('policy history');
    expect(history.out).toMatch(/publish +wang +first +hotline/);
    const [row] = await company.db.query<{ before: string; after: string }>(
      `SELECT before, after FROM audit WHERE act = 'policy.publish'`,
    );
    expect(JSON.parse(row?.before ?? '')).toMatchObject({ hotline: OWN.hotline });
    expect(JSON.parse(row?.after ?? '')).toMatchObject({ hotline: '1', version: v + 1 });
  });

  it('is rolled back as a later version; a scope that said nothing then says nothing again', async () => {
    const v = DEMO_POLICY.version;
    await publish({ minFen: 3_000 }, '--scope site:城东');
    await publish({ minFen: 4_000 }, '--scope site:城东');
    expect((await company.run(`policy rollback ${v + 1} --why wrong`)).code).toBe(0);
    expect(await told(1)).toEqual([v + 3, 3_000, OWN.maxFen]);
    expect((await company.run('policy drop --scope site:城东')).code).toBe(0);
    expect(await told(1)).toEqual([v + 4, OWN.minFen, OWN.maxFen]);
    // The start's own version too.
    await publish({ ...OWN, hotline: '1' });
    expect((await company.run(`policy rollback ${v} --why back`)).code).toBe(0);
    expect((await policyOf(0)).hotline).toBe(OWN.hotline);
    expect((await company.run('policy rollback 99 --why x')).code).toBe(1);
    // After a restore kiosks have heard of later versions.
    await publish({ ...OWN, hotline: '2' }, '--at-least 500');
    expect((await told(0))[0]).toBe(500);
    // What is said may be right as it came back: the version rises all the same, and once.
    expect((await publish({ ...OWN, hotline: '2' }, '--at-least 900')).out).toContain(
      'version 900',
    );
    expect((await told(0))[0]).toBe(900);
    expect((await publish({ ...OWN, hotline: '2' }, '--at-least 900')).out).toContain('already');
  });

  it('another process goes by it at once, and by its own clock where no bell was heard', async () => {
    const other = await company.process({
      db: { ...company.db, onRing: () => () => undefined },
    });
    expect((await policyOf(1, other)).minFen).toBe(OWN.minFen);
    await publish({ minFen: 3_000 }, '--scope site:城东');
    expect((await policyOf(1)).minFen).toBe(3_000);
    company.now += 1_000;
    expect((await policyOf(1, other)).minFen).toBe(3_000);
  });

  it('two that publish at once make two versions, one after the other', async () => {
    const parts = await Promise.all([
      publish({ minFen: 3_000 }, '--scope site:城东'),
      company.run(`policy publish ${company.json('b.json', { maxFen: 90_000 })} --scope site:城西`),
    ]);
    expect(parts.map((p) => p.code)).toEqual([0, 0]);
    const v = DEMO_POLICY.version;
    expect((await told(0))[0]).toBe(v + 2);
    const rows = await company.db.query('SELECT version FROM policy_versions WHERE act = $1', [
      'publish',
    ]);
    expect(rows).toHaveLength(2);
    const base = await Promise.all([
      publish({ minFen: 3_100 }, `--scope site:北 --base 0`),
      company.run(
        `policy publish ${company.json('c.json', { minFen: 3_200 })} --scope site:北 --base 0`,
      ),
    ]);
    expect(base.map((p) => p.code).reduce((a, b) => a + b)).toBe(1);
  });

  it('a terminal that is let in goes by its site’s, whoever looked at all policies before', async () => {
    const id = '000000000399';
    await company.run(`terminal add --id ${id} --site 城东 --name 1 --auto`.split(' '));
    await publish({ minFen: 3_000 }, '--scope site:城东');
    await publish({ maxFen: 40_000 }, `--scope terminal:${id}`);
    // Whoever reads a list of papers has all policies read.
    await papers('none');
    const key = edKeys();
    await company.db.query(
      `INSERT INTO terminals (terminal_id, public_key, epoch, site, name) VALUES ($1, $2, 1, '城东', '1')`,
      [id, key.publicKeyPem],
    );
    const answer = await clientOf(id, key.privateKeyPem, company.central).policy();
    expect(answer.ok && answer.value.policy).toMatchObject({ minFen: 3_000, maxFen: 40_000 });
  });

  it('what no program here takes stops those alone that go by it', async () => {
    await publish({ minFen: 3_000 }, '--scope site:城东');
    const id = OWN.info?.papers[0]?.id ?? '';
    await company.db.query(`UPDATE policy_scopes SET body = '{"minFen":-1}' WHERE scope = $1`, [
      'site:城东',
    ]);
    const other = await company.process();
    await expect(policyOf(1, other)).rejects.toThrow('is no policy to this program: site:城东');
    expect((await policyOf(0, other)).minFen).toBe(OWN.minFen);
    expect((await papers(id, other)).status).toBe(200);
    // The company's own too: what terminals tell is still heard, and staff publish another one.
    await company.db.query(
      `UPDATE policy_scopes SET body = '{"minFen":-1}' WHERE scope = 'global'`,
    );
    const third = await company.process();
    await expect(policyOf(0, third)).rejects.toThrow('is no policy to this program: global');
    expect((await client(0, third).commands()).ok).toBe(true);
  });

  it('customers are forgotten by the days of the terminal where they asked, after a publication too', async () => {
    for (const id of IDS)
      await company.run(['terminal', 'move', id, '--site', id === IDS[0] ? '城西' : '城东']);
    const days = (central: number) => ({ requests: { keepDays: { kiosk: 7, central } } });
    await publish(days(10), '--scope site:城西');
    await publish(days(90), '--scope site:城东');
    for (const [i, id] of IDS.entries())
      await company.db.query(
        `INSERT INTO requests (number, ref, terminal_id, epoch, seq, category, kind, name_zh, name_en,
           made_ms, taken_ms, due_ms, sealed_hash, sealed, sealed_ms, state, changed_ms, closed_ms, acts, wrong_count)
         VALUES ($1, $1, $2, 1, 1, 'a', 'suggestion', 'a', 'a', $3, $3, $3, 'h', 's', $3, 'done', $3, $3, 0, 0)`,
        [`R${i}`, id, company.now],
      );
    const kept = async (): Promise<readonly unknown[]> =>
      (
        await company.db.query<{ number: string }>(
          'SELECT number FROM requests WHERE sealed IS NOT NULL ORDER BY number',
        )
      ).map((row) => row.number);
    company.now += 20 * 86_400_000;
    await policyOf(1);
    expect(await kept()).toEqual(['R1', 'R2']);
    company.now += 80 * 86_400_000;
    await policyOf(1);
    expect(await kept()).toEqual([]);
  });
});

describe('what central itself decides by', () => {
  let room: Room;
  afterEach(() => room.close());
  it('a quote goes by the limits of the terminal that asks', async () => {
    room = await openRoom('sqlite', 2, { claims: [] });
    const [a, b] = room.terminals;
    const ask = (of: typeof a) =>
      of?.client.quote({
        orderId: null,
        cardNo: '8800003922',
        nextCount: 42,
        amountFen: 2_000,
      });
    expect((await ask(a))?.ok).toBe(true);
    await room.db.query(`UPDATE terminals SET site = '城东' WHERE terminal_id = $1`, [b?.id]);
    await room.db.query('INSERT INTO policy_scopes (scope, version, body) VALUES ($1, $2, $3)', [
      'global',
      DEMO_POLICY.version,
      JSON.stringify(OWN),
    ]);
    await room.db.query('INSERT INTO policy_scopes (scope, version, body) VALUES ($1, $2, $3)', [
      'site:城东',
      DEMO_POLICY.version + 1,
      JSON.stringify({ minFen: 3_000 }),
    ]);
    await room.db.query('UPDATE policy_head SET published = 1, version = version + 1');
    room.db.ring('policy');
    expect((await ask(a))?.ok).toBe(true);
    const refused = await ask(b);
    expect(refused?.ok === false && refused.error.detail).toContain('at least 3000');
  });
});

describe('a central that was started without a policy', () => {
  afterEach(() => company.close());
  it('says so, sells nothing, and goes by the first that is published', async () => {
    company = await Company.open('sqlite', {
      policy: undefined,
      terminals: [{ terminalId: IDS[0], publicKeyPem: KEYS[0]?.publicKeyPem ?? '' }],
    });
    await expect(policyOf(0)).rejects.toThrow('none was published yet');
    const quote = await client(0).quote({
      orderId: null,
      cardNo: '8800003922',
      nextCount: 42,
      amountFen: 5_000,
    });
    expect(quote).toMatchObject({ ok: false });
    expect((await publish({ minFen: 300 }, '--scope site:A')).err).toContain(
      'no policy of the whole company',
    );
    expect((await company.run('policy show')).code).toBe(1);
    expect((await publish(OWN)).code).toBe(0);
    expect((await policyOf(0)).minFen).toBe(OWN.minFen);
    expect(
      (
        await company.central.staff({
          method: 'GET',
          target: '/console/requests',
          headers: { host: '127.0.0.1' },
          body: new Uint8Array(0),
        })
      ).status,
    ).toBe(200);
  });
});

describe('laying one over another', () => {
  it('is RFC 7396, but that null stays where it means something', () => {
    expect(
      overlaid(
        { a: { b: 1, c: [1, 2] }, d: 4, confirmAboveFen: 500 },
        { a: { c: [3], e: null }, d: null, confirmAboveFen: null },
      ),
    ).toEqual({ a: { b: 1, c: [3] }, confirmAboveFen: null });
  });
});
