import { randomBytes } from 'node:crypto';
import { createCentral } from '../../../src/central/central.ts';
import type { Central } from '../../../src/central/central.ts';
import type { Db } from '../../../src/central/db/sql.ts';
import { listen } from '../../../src/central/http/listen.ts';
import type { CentralAnswer, CentralRequest, Handle } from '../../../src/central/http/request.ts';
import type { Outcome } from '../../../src/conformance/check.ts';
import { centralSuiteSchema } from '../../../src/conformance/central/config.ts';
import type { CentralSuiteConfig } from '../../../src/conformance/central/config.ts';
import { runCentralSuite } from '../../../src/conformance/central/suite.ts';
import { DEMO_ACCOUNTS, DEMO_DATA, DEMO_TARIFFS } from '../../../src/demo/central-data.ts';
import { demoCreditAccounts } from '../../../src/demo/credit-data.ts';
import { fetchSend } from '../../../src/shared/http.ts';
import type { Clock, SigningKey } from '../../../src/shared/ports.ts';
import { Keyring, signText } from '../../../src/shared/signatures.ts';
import {
  ANSWER_KEY,
  ANSWER_SIGNATURE,
  REQUEST_HEADERS,
  signedAnswerText,
  signedHeaders,
} from '../../../src/shared/signed-request.ts';
import { ed25519Signer } from '../../../src/shared/signing.ts';
import { chinaDate } from '../../../src/shared/time.ts';
import { edKeys, openDb } from '../central/harness.ts';
import type { Engine } from '../central/harness.ts';
import { Town } from '../central/gateway-town.ts';

/** Time that a suite waits for is not waited for: everybody's clock goes on by it. */
export function leapingClock(): Clock {
  let shift = 0;
  return {
    nowMs: () => Date.now() + shift,
    monoMs: () => performance.now(),
    after: (ms, fn) => {
      if (ms >= 60_000) {
        shift += ms;
        queueMicrotask(fn);
        return () => undefined;
      }
      const timer = setTimeout(fn, ms);
      return () => clearTimeout(timer);
    },
  };
}

const IDS = {
  seller: '000000000311',
  helper: '000000000312',
  forked: '000000000313',
  suspended: '000000000314',
  revoked: '000000000315',
} as const;
type Name = keyof typeof IDS;

const CARDS = Array.from({ length: 16 }, (_, i) => ({
  ...(DEMO_ACCOUNTS[1] as (typeof DEMO_ACCOUNTS)[number]),
  cardNo: `88000041${String(i).padStart(2, '0')}`,
  userNo: `10022041${String(i).padStart(2, '0')}`,
  meterNo: `00001641${String(i).padStart(2, '0')}`,
}));

/** A reference central for the suite, and everything that a test may do behind its back. */
export interface Stand {
  readonly central: Central;
  readonly db: Db;
  readonly clock: Clock;
  readonly keys: Readonly<Record<Name | 'answers' | 'policy' | 'gateway', SigningKey>>;
  readonly pems: Readonly<Record<string, ReturnType<typeof edKeys>>>;
  readonly config: CentralSuiteConfig;
  readonly close: () => Promise<void>;
  /** Runs the suite against whatever answers: the reference, or what stands before it. */
  readonly run: (handle?: Handle, only?: readonly string[]) => Promise<readonly Outcome[]>;
}

/** Opens the reference with throw-away terminals, cards and an account. */
export async function openStand(engine: Engine): Promise<Stand> {
  const clock = leapingClock();
  const names = [...Object.keys(IDS), 'answers', 'policy', 'gateway'];
  const pems = Object.fromEntries(names.map((name) => [name, edKeys()]));
  const keys = Object.fromEntries(
    names.map((name) => [name, ed25519Signer(pems[name]?.privateKeyPem ?? '')]),
  ) as unknown as Stand['keys'];
  const db = await openDb(engine, 'made');
  // Its wallets only: nobody pays.
  const town = await Town.open();
  const central = createCentral({
    db,
    ...DEMO_DATA,
    accounts: [...CARDS, ...DEMO_ACCOUNTS.filter((a) => a.state !== 'normal')],
    claims: [],
    creditAccounts: demoCreditAccounts(chinaDate(clock.nowMs())),
    policySigner: keys.policy,
    answerSigner: keys.answers,
    gatewaySigner: keys.gateway,
    now: () => clock.nowMs(),
    terminals: Object.entries(IDS).map(([name, terminalId]) => ({
      terminalId,
      publicKeyPem: pems[name]?.publicKeyPem ?? '',
    })),
    payments: {
      wallets: town.wallets,
      publicUrl: 'https://pay.example.com',
      clock: { nowMs: () => clock.nowMs(), monoMs: () => 0, after: () => () => undefined },
      random: { bytes: (n) => randomBytes(n) },
    },
  });
  await central.open();
  for (const status of ['suspended', 'revoked'] as const)
    await db.query('UPDATE terminals SET status = $2 WHERE terminal_id = $1', [
      IDS[status],
      status,
    ]);
  const config = configOf();
  return {
    central,
    db,
    clock,
    keys,
    pems,
    config,
    close: async () => {
      await central.close();
      await town.close();
      await db.close();
    },
    run: async (handle = central.handle, only) => {
      const door = await listen(handle, {});
      try {
        return await runCentralSuite(
          {
            url: door.baseUrl,
            send: fetchSend(fetch),
            clock,
            random: { bytes: (n) => randomBytes(n) },
            timeoutMs: 10_000,
            config,
            answerKeys: new Keyring(keys.answers),
            policyKeys: new Keyring(keys.policy),
            gatewayKeys: new Keyring(keys.gateway),
            receipts: keys.gateway,
            signers: [keys.seller, keys.helper, keys.forked],
            suspended: keys.suspended,
            revoked: keys.revoked,
            pages: door.baseUrl,
          },
          { waits: true, only },
        );
      } finally {
        await door.close();
      }
    },
  };
}

/** As an integrator would write it. */
function configOf(): CentralSuiteConfig {
  const [tariff] = DEMO_TARIFFS;
  if (tariff === undefined) throw new Error('no tariff');
  const { tariffId, version, tiers } = tariff;
  const of = (name: Name) => ({ terminalId: IDS[name], keyFile: `${name}.pem` });
  return centralSuiteSchema.parse({
    answerKeyFile: 'answers.pub.pem',
    policyKeyFile: 'policy.pub.pem',
    gatewayKeyFile: 'gateway.pub.pem',
    receiptKeyFile: 'gateway.pem',
    terminals: [of('seller'), of('helper'), of('forked')],
    suspended: of('suspended'),
    revoked: of('revoked'),
    cards: CARDS.map(({ cardNo, userNo, count, unit }) => ({
      cardNo,
      userNo,
      count,
      unit,
      tariff: { tariffId, version, tiers },
    })),
    hotListedCard: DEMO_ACCOUNTS.find((a) => a.state === 'hot-listed')?.cardNo,
    debtCard: DEMO_ACCOUNTS.find((a) => a.state === 'debt')?.cardNo,
    unknownCard: '8800004999',
    credit: {
      userNo: '2002203301',
      payee: 'house',
      unknownUserNo: '2002203399',
      minFen: 1_000,
    },
  });
}

/** An answer under central's own key, as a faulty central would give it. */
export function signAs(
  stand: Stand,
  request: CentralRequest,
  answer: CentralAnswer,
): CentralAnswer {
  const header = (name: string): string => String(request.headers[name]);
  const { signature, keyId } = signText(
    stand.keys.answers,
    signedAnswerText({
      terminalId: header(REQUEST_HEADERS.terminal),
      method: request.method,
      target: request.target,
      nonce: header(REQUEST_HEADERS.nonce),
      asked: request.body,
      status: answer.status,
      body: Buffer.from(answer.body),
    }),
  );
  return {
    ...answer,
    headers: { ...answer.headers, [ANSWER_SIGNATURE]: signature, [ANSWER_KEY]: keyId },
  };
}
/** Central says this instead, under its key. */
export const sayAs = (
  stand: Stand,
  request: CentralRequest,
  status: number,
  body: unknown,
): CentralAnswer =>
  signAs(stand, request, {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** The same request under a nonce that nobody has used. */
export function renewed(stand: Stand, request: CentralRequest): CentralRequest {
  const terminalId = String(request.headers[REQUEST_HEADERS.terminal]);
  const name = (Object.keys(IDS) as Name[]).find((one) => IDS[one] === terminalId) ?? 'seller';
  const headers = signedHeaders(terminalId, stand.keys[name], {
    method: request.method,
    target: request.target,
    timestamp: String(Math.floor(stand.clock.nowMs())),
    nonce: randomBytes(12).toString('hex'),
    body: request.body,
  });
  const lower = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));
  return { ...request, headers: { ...request.headers, ...lower } };
}
