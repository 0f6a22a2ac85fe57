import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CentralAnswer, CentralRequest, Handle } from '../../../src/central/http/request.ts';
import type { Outcome } from '../../../src/conformance/check.ts';
import { CENTRAL_CHECKS } from '../../../src/conformance/central/suite.ts';
import { asJson, asJunit, tally } from '../../../src/conformance/report.ts';
import { openStand, renewed, sayAs, signAs } from './stand.ts';
import type { Stand } from './stand.ts';

const failed = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.filter((o) => o.result === 'failed').map((o) => `${o.id}: ${o.came}`);
const ids = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.filter((o) => o.result === 'failed').map((o) => o.id);

describe('the conformance suite and the reference', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand('postgres');
  });
  afterAll(() => stand.close());

  it('passes every check, over HTTP, on PostgreSQL', async () => {
    const outcomes = await stand.run();
    expect(failed(outcomes)).toEqual([]);
    expect(tally(outcomes)).toEqual({ passed: CENTRAL_CHECKS.length, failed: 0, skipped: 0 });
  });

  it('has one stable id for each check', () => {
    const all = CENTRAL_CHECKS.map((check) => check.id);
    expect(new Set(all).size).toBe(all.length);
    for (const id of all) expect(id).toMatch(/^[A-Z]{2,3}-\d\d$/);
  });
});

/** A central that does one thing wrong: what stands between the suite and the reference. */
interface Fault {
  readonly name: string;
  /** The checks that are meant to catch it. */
  readonly caught: readonly string[];
  readonly wrong: (stand: Stand) => Handle;
}
const typeOf = (answer: CentralAnswer): string =>
  answer.status === 200 ? '' : String((JSON.parse(answer.body) as { title?: unknown }).title);
const bodyOf = (request: CentralRequest): Record<string, unknown> =>
  JSON.parse(Buffer.from(request.body).toString('utf8')) as Record<string, unknown>;

/** Where the reference refuses so, this is said instead. */
const instead =
  (
    stand: Stand,
    when: (request: CentralRequest, answer: CentralAnswer) => boolean,
    say: (request: CentralRequest, answer: CentralAnswer) => Promise<CentralAnswer> | CentralAnswer,
  ): Handle =>
  async (request) => {
    const answer = await stand.central.handle(request);
    return when(request, answer) ? say(request, answer) : answer;
  };
/** A batch as if it had been taken. */
function taken(stand: Stand, request: CentralRequest): CentralAnswer {
  const { events, fromSeq, prevHash } = bodyOf(request) as {
    events: readonly { seq: number; hash: string }[];
    fromSeq: number;
    prevHash: string;
  };
  const last = events.at(-1) ?? { seq: fromSeq - 1, hash: prevHash };
  return sayAs(stand, request, 200, {
    ackSeq: last.seq,
    ackHash: last.hash,
    serverTimeMs: Math.floor(stand.clock.nowMs()),
    nextUploadAfterMs: 60_000,
    quarantined: [],
  });
}
const isPosting = (target: string): string | undefined =>
  /^\/v1\/credit\/orders\/([^/]+)\/post$/.exec(target)?.[1];

const FAULTS: readonly Fault[] = [
  {
    name: 'takes a replayed nonce',
    caught: ['SIG-06', 'SIG-07'],
    wrong: (stand) =>
      instead(
        stand,
        (_, answer) => typeOf(answer) === 'replayed',
        async (request) =>
          signAs(stand, request, await stand.central.handle(renewed(stand, request))),
      ),
  },
  {
    name: 'answers unsigned',
    caught: ['SIG-01', 'TIM-02', 'ALL-01'],
    wrong: (stand) =>
      instead(
        stand,
        (request, answer) => answer.status === 200 && !request.target.includes('/payments/'),
        (_, answer) => ({ ...answer, headers: { 'content-type': 'application/json' } }),
      ),
  },
  {
    name: 'signs every answer for the same nonce',
    caught: ['SIG-01', 'SIG-02', 'TIM-02', 'ALL-01'],
    wrong: (stand) =>
      instead(
        stand,
        (request) => !request.target.includes('/payments/'),
        (request, answer) => {
          const nonce = { 'pilotlight-nonce': 'the same', 'pilotlight-terminal': '000000000311' };
          return signAs(stand, { ...request, headers: { ...request.headers, ...nonce } }, answer);
        },
      ),
  },
  {
    name: 'posts credit once more for each time that it is asked',
    caught: ['CRD-04'],
    wrong: (stand) => {
      const posted = new Set<string>();
      return async (request) => {
        const orderId = isPosting(request.target);
        const answer = await stand.central.handle(request);
        if (orderId === undefined || !answer.body.includes('"posted"')) return answer;
        if (posted.has(orderId))
          await stand.db.query(
            `UPDATE credit_accounts SET balance_fen = balance_fen + (SELECT amount_fen FROM postings
             WHERE order_id = $1) WHERE user_no = '2002203301'`,
            [orderId],
          );
        posted.add(orderId);
        return answer;
      };
    },
  },
  {
    name: 'takes a gap silently',
    caught: ['JRN-04'],
    wrong: (stand) =>
      instead(
        stand,
        (_, answer) => typeOf(answer) === 'gap',
        (request) => taken(stand, request),
      ),
  },
  {
    name: 'accepts a fork',
    caught: ['FRK-01', 'FRK-02', 'FRK-03'],
    wrong: (stand) =>
      instead(
        stand,
        (_, answer) => typeOf(answer) === 'fork',
        (request) => taken(stand, request),
      ),
  },
  {
    name: 'grants a refund while a write claim is open',
    caught: ['CLM-07'],
    wrong: (stand) =>
      instead(
        stand,
        (request, answer) =>
          request.target.endsWith('/claim') &&
          bodyOf(request)['kind'] === 'refund' &&
          typeOf(answer) === 'claimed',
        (request) =>
          sayAs(stand, request, 200, {
            kind: 'refund',
            ttlMs: 0,
            order: null,
            serverTimeMs: Math.floor(stand.clock.nowMs()),
          }),
      ),
  },
  {
    name: 'forgets what was given up',
    caught: ['CRD-06', 'CRD-07'],
    wrong: (stand) =>
      instead(
        stand,
        (request, answer) => request.target.endsWith('/void') && answer.body.includes('"void"'),
        async (request, answer) => {
          const orderId = request.target.split('/').at(-2) ?? '';
          await stand.db.query(
            `UPDATE postings SET state = 'open', ended_ms = NULL WHERE order_id = $1
             AND user_no <> ''`,
            [orderId],
          );
          await stand.db.query(`DELETE FROM postings WHERE order_id = $1 AND user_no = ''`, [
            orderId,
          ]);
          return answer;
        },
      ),
  },
  {
    name: 'quotes a card to two terminals',
    caught: ['QUO-03', 'QUO-04'],
    wrong: (stand) =>
      instead(
        stand,
        (request, answer) => request.target === '/v1/quotes' && typeOf(answer) === 'claimed',
        async (request) => {
          const asked = { ...bodyOf(request), orderId: null };
          const plain = renewed(stand, {
            ...request,
            body: Buffer.from(JSON.stringify({ ...asked, nextCount: 42 })),
          });
          await stand.db.query('DELETE FROM claims');
          const preview = await stand.central.handle(plain);
          const said = JSON.parse(preview.body) as { quote?: Record<string, unknown> };
          return sayAs(stand, request, 200, {
            ...said,
            quote: { ...said.quote, orderId: bodyOf(request)['orderId'] },
          });
        },
      ),
  },
  {
    name: 'gives one unit too much for the money',
    caught: ['QUO-02'],
    wrong: (stand) =>
      instead(
        stand,
        (request, answer) => request.target === '/v1/quotes' && answer.status === 200,
        (request, answer) => {
          const said = JSON.parse(answer.body) as { quote: { quantity: number } };
          const quote = { ...said.quote, quantity: said.quote.quantity + 1 };
          return sayAs(stand, request, 200, { ...said, quote });
        },
      ),
  },
  {
    name: 'answers another form than it promised',
    caught: ['ALL-02'],
    wrong: (stand) =>
      instead(
        stand,
        (request) => request.target === '/v1/heartbeat',
        (request) => sayAs(stand, request, 200, { ok: true }),
      ),
  },
];

/** As nginx refuses a path that it cannot read: in words of its own, signed by nobody. */
const byFront =
  (stand: Stand): Handle =>
  async (request) =>
    request.target.includes('%')
      ? { status: 400, headers: { 'content-type': 'text/html' }, body: '<html>400</html>' }
      : stand.central.handle(request);

describe('what stands before central', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand('sqlite');
  });
  afterAll(() => stand.close());

  it('may refuse a path that no server can read', async () => {
    expect(failed(await stand.run(byFront(stand), ['REF', 'SIG']))).toEqual([]);
  });

  it('who was never heard has kept nothing', async () => {
    expect(failed(await stand.run(stand.central.handle, ['ALL']))).toEqual([
      'ALL-01: nothing was answered',
      'ALL-02: nothing was answered',
    ]);
  });
});

/** Checks that ask for two things at one moment. */
const RACES = new Set(['CLM-08', 'CRD-09']);

describe.each(FAULTS)('a central that $name', ({ caught, wrong }) => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand('sqlite');
  });
  afterAll(() => stand.close());

  it(`is caught by ${caught.join(', ')}`, async () => {
    const groups = [...new Set(caught.map((id) => id.split('-', 1)[0] ?? ''))];
    // A heartbeat of another form is caught by what is said of every answer.
    const outcomes = await stand.run(wrong(stand), [...groups, 'CMD', 'TIM']);
    // By those alone, but for races, which may be lost or won.
    expect(ids(outcomes).filter((id) => !RACES.has(id))).toEqual(caught);
  });
});

/**
 * The cheapest central: it says what the real one said once, with every signature right. The
 * suite's sums, numbers and nonces are another run's each time, so nothing that was kept fits.
 */
it('a central that answers what it recorded passes nothing that matters; runs follow each other on one central', async () => {
  const stand = await openStand('sqlite');
  try {
    const kept = new Map<string, { status: number; json: unknown }>();
    // Twice: journals and cards go on from what the run before left.
    expect(failed(await stand.run())).toEqual([]);
    const shape = (request: CentralRequest): string =>
      `${request.method} ${request.target.replace(/(?:PL|RQ)-[0-9-]+/, ':')}`;
    const recorded = await stand.run(async (request) => {
      const answer = await stand.central.handle(request);
      if (!request.target.startsWith('/v1/')) return answer;
      if (answer.status === 200 || !kept.has(shape(request)))
        kept.set(shape(request), { status: answer.status, json: JSON.parse(answer.body) });
      return answer;
    });
    expect(failed(recorded)).toEqual([]);
    const outcomes = await stand.run(async (request) => {
      const known = kept.get(shape(request)) ?? { status: 404, json: {} };
      return Promise.resolve(
        request.headers['pilotlight-nonce'] === undefined
          ? { status: known.status, headers: {}, body: JSON.stringify(known.json) }
          : sayAs(stand, request, known.status, known.json),
      );
    });
    const passed = outcomes.filter((o) => o.result === 'passed').map((o) => o.id);
    for (const id of ['QUO-02', 'IDM-01', 'IDM-02']) expect(passed).not.toContain(id);
    // What only reads, and what is asked with the same words each time.
    const same = ['JRN-01', 'CRD-01', 'FRK-04'];
    expect(passed.filter((id) => /^(?:CLM|CRD|FRK|JRN)-/.test(id) && !same.includes(id))).toEqual(
      [],
    );
  } finally {
    await stand.close();
  }
});

describe('what a run leaves for programs', () => {
  const outcomes: readonly Outcome[] = [
    { id: 'SIG-01', group: 'SIG', says: 'a < b', result: 'passed', came: '', tookMs: 12 },
    { id: 'CRD-04', group: 'CRD', says: 'once', result: 'failed', came: '"2"&\u0001', tookMs: 1 },
    { id: 'GW-01', group: 'GW', says: 'x', result: 'skipped', came: 'not offered', tookMs: 0 },
  ];
  it('is JSON, and JUnit that any reader of XML takes', () => {
    const json = JSON.parse(asJson('central', 'http://x', outcomes)) as Record<string, unknown>;
    expect(json).toMatchObject({ passed: 1, failed: 1, skipped: 1, checks: outcomes });
    const xml = asJunit('central', outcomes);
    expect(xml).toContain('tests="3" failures="1" skipped="1"');
    expect(xml).toContain('<failure message="&quot;2&quot;&amp;?"/>');
    expect(xml).toContain('name="SIG-01 a &lt; b"');
  });
});
