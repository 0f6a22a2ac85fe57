import { inject } from 'vitest';
import { generateKeyPairSync, hash, randomBytes } from 'node:crypto';
import { createBillingClient } from '../../../src/billing/client.ts';
import type { BillingClient, CardKeyClient, UploadResult } from '../../../src/billing/types.ts';
import { systemClock, systemRandom } from '../../../src/main/ports.ts';
import { trustIn } from '../../../src/central/books/trust.ts';
import { migrate } from '../../../src/central/db/migrate.ts';
import { openPostgres } from '../../../src/central/db/postgres.ts';
import type { Db } from '../../../src/central/db/sql.ts';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { createCentral } from '../../../src/central/central.ts';
import type { Central, CentralOptions } from '../../../src/central/central.ts';
import type { Quote, UploadEvent } from '../../../src/shared/central-api/index.ts';
import type { EventBody, EventKind } from '../../../src/shared/facts/catalogue.ts';
import { eventHash, genesisHash } from '../../../src/shared/journal-hash.ts';
import { toHex } from '../../../src/shared/bytes.ts';
import { orderTag } from '../../../src/shared/order-tag.ts';
import type { HttpSend } from '../../../src/shared/http.ts';
import type { Clock, KeyId, Signer, SigningKey } from '../../../src/shared/ports.ts';
import { receiptToken } from '../../../src/shared/evidence.ts';
import type { PaymentEvidence } from '../../../src/shared/evidence.ts';
import { accountDigest, claimDigest, grantToken, quoteDigest } from '../../../src/shared/grants.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { ed25519Signer, ed25519Verifier } from '../../../src/shared/signing.ts';
import { checkAnswer } from '../../support/checked-answers.ts';
import { sharedDatabase } from '../../support/postgres.ts';
import { openSqliteDb } from '../../../src/simulation/sqlite-db.ts';

export const edKeys = (): { privateKeyPem: string; publicKeyPem: string } => {
  const pair = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { privateKeyPem: pair.privateKey, publicKeyPem: pair.publicKey };
};

/** What central and its gateway sign with. */
export interface CentralKeys {
  readonly answers: Signer & KeyId;
  readonly gateway: Signer & KeyId;
}

/** What the wallet calls its payment of an order. */
export const walletNumberOf = (orderId: string, n = 1): string => `4200-${orderId}-${n}`;

/** The first attempt of an order, as ids and numbers at a provider. */
export const attemptOfOrder = (orderId: string, n = 1) => {
  const [, terminalId = '', epoch = '', counter = ''] = orderId.split('-');
  const body = `${terminalId}E${epoch}N${counter}A${n}X00000`;
  return { attemptId: `${orderId}/${n}`, outTradeNo: `P${body}`, outRefundNo: `R${body}` };
};

/** A terminal's journal as far as uploading needs it. */
export class TestJournal {
  readonly events: UploadEvent[] = [];
  readonly terminalId: string;
  readonly epoch: number;
  /** Central's keys, by which it believes what is told. */
  readonly #keys: CentralKeys;
  constructor(terminalId: string, epoch = 1, keys: CentralKeys = QUICK_KEYS) {
    this.terminalId = terminalId;
    this.epoch = epoch;
    this.#keys = keys;
  }
  hashAt(seq: number): string {
    return seq === 0
      ? genesisHash(this.terminalId, this.epoch)
      : (this.events[seq - 1] as UploadEvent).hash;
  }
  /** `aheadMs`: how far the fact's wall clock is from the room's first moment. */
  raw(kind: string, orderId: string | null, body: unknown, aheadMs = 0): number {
    const seq = this.events.length + 1;
    const event = { seq, kind, wallMs: 1_780_000_000_000 + aheadMs + seq, orderId, body };
    this.events.push({
      ...event,
      hash: eventHash(this.hashAt(seq - 1), { epoch: this.epoch, ...event }),
    });
    return seq;
  }
  add<K extends EventKind>(kind: K, orderId: string | null, body: EventBody<K>): number {
    return this.raw(kind, orderId, body);
  }
  quoted(
    orderId: string,
    q: Quote,
    userNo: string,
    over: Partial<EventBody<'order-quoted'>> = {},
  ): void {
    const body: EventBody<'order-quoted'> = {
      cardNo: q.cardNo,
      userNo,
      layout: 'pl-4442',
      unit: 'volume',
      nextCount: q.nextCount,
      amountFen: q.amountFen,
      quantity: q.quantity,
      shares: q.shares,
      carriedUsedMicro: q.carriedUsedMicro,
      carriedAfterMicro: q.carriedAfterMicro,
      tariffId: q.tariffId,
      tariffVersion: q.tariffVersion,
      offline: false,
      tag: toHex(orderTag(orderId)),
      ...(q.grant === undefined ? {} : { grant: q.grant }),
      ...over,
    };
    if (!body.offline || 'grant' in over) return void this.add('order-quoted', orderId, body);
    const grant = grantToken(this.#keys.answers, {
      kind: 'account',
      terminalId: this.terminalId,
      orderId: '',
      digest: accountDigest(body),
      grantedMs: 1_780_000_000_000,
    });
    this.add('order-quoted', orderId, { ...body, grant });
  }
  /** What the gateway gives for a payment; its number is the order's own. */
  receipt(orderId: string, amountFen: number, n = 1): PaymentEvidence {
    const token = receiptToken(this.#keys.gateway, {
      terminalId: this.terminalId,
      orderId,
      outTradeNo: attemptOfOrder(orderId, n).outTradeNo,
      amountFen,
      wallet: 'wechat',
      walletNumber: walletNumberOf(orderId, n),
      paidMs: null,
    });
    return { kind: 'receipt', token };
  }
  paid(orderId: string, amountFen: number): void {
    this.add('attempt-creating', orderId, {
      ...attemptOfOrder(orderId),
      provider: 'gateway',
      amountFen,
      expiresAtMs: 1_780_000_120_000,
    });
    this.add('attempt-paid', orderId, {
      attemptId: `${orderId}/1`,
      transactionId: walletNumberOf(orderId),
      amountFen,
      taken: true,
      evidence: this.receipt(orderId, amountFen),
    });
    this.add('order-paid', orderId, { attemptId: `${orderId}/1`, amountFen });
  }
  delivered(orderId: string, q: Quote): number {
    this.add('order-delivering', orderId, {
      insertion: 1,
      before: '',
      after: '',
      cumulative: 0,
      plan: [],
    });
    return this.add('order-delivered', orderId, {
      by: 'read-back',
      count: q.nextCount,
      quantity: q.quantity,
      cumulative: 0,
    });
  }
  delivering(orderId: string, q: Quote, over: Partial<EventBody<'order-delivering'>> = {}): number {
    return this.add('order-delivering', orderId, {
      insertion: 1,
      before: 'AA00',
      after: `BB${toHex(orderTag(orderId))}`,
      cumulative: 205_000 + q.quantity,
      plan: ['00D6'],
      ...over,
    });
  }
  inDoubt(orderId: string, wants: 'write' | 'refund' | 'counter' = 'write'): number {
    return this.add('order-in-doubt', orderId, { failure: { code: 'CARD-0203' }, wants });
  }
  /** Tells of another terminal's order. */
  assisted(
    origin: string,
    orderId: string,
    q: Quote,
    verdict: EventBody<'assist-ended'>['verdict'],
    over: Partial<EventBody<'assist-ended'>> = {},
  ): number {
    return this.add('assist-ended', orderId, {
      origin,
      cardNo: q.cardNo,
      verdict,
      written: true,
      count: q.nextCount,
      quantity: q.quantity,
      cumulative: 205_000 + q.quantity,
      grant: this.writeClaim(orderId, q.cardNo),
      ...over,
    });
  }
  /** Central's token for a quote, as it stands. */
  quoteGrant(orderId: string, q: Quote): string {
    return grantToken(this.#keys.answers, {
      kind: 'quote',
      terminalId: this.terminalId,
      orderId,
      digest: quoteDigest({ ...q, orderId }),
      grantedMs: 1_780_000_000_000,
    });
  }
  /** Central's token for the write of an order. */
  writeClaim(orderId: string, cardNo: string): string {
    return this.#claim('write-claim', orderId, cardNo);
  }
  /** … and for its refund. */
  refundClaim(orderId: string, cardNo: string): string {
    return this.#claim('refund-claim', orderId, cardNo);
  }
  #claim(kind: 'write-claim' | 'refund-claim', orderId: string, cardNo: string): string {
    return grantToken(this.#keys.answers, {
      kind,
      terminalId: this.terminalId,
      orderId,
      digest: claimDigest(cardNo),
      grantedMs: 1_780_000_000_000,
    });
  }
  send(client: BillingClient, from: number, to = this.events.length): Promise<UploadResult> {
    return client.upload({
      epoch: this.epoch,
      fromSeq: from,
      prevHash: this.hashAt(from - 1),
      events: this.events.slice(from - 1, to),
    });
  }
}

export interface Hall {
  readonly central: Central;
  readonly db: Db;
  /** The terminals' door. */
  readonly baseUrl: string;
  readonly consoleUrl: string;
  readonly clock: Clock & { shift: (ms: number) => void };
  readonly terminals: readonly {
    readonly terminalId: string;
    readonly client: BillingClient;
    readonly journal: TestJournal;
    readonly keys: ReturnType<typeof edKeys>;
  }[];
  readonly policyKeys: ReturnType<typeof edKeys>;
  readonly answerKeys: ReturnType<typeof edKeys>;
  readonly close: () => Promise<void>;
}

/** A keyed hash in place of a signature: fast, and still wrong when a byte changes. */
export const quickSigner = (key: string): SigningKey => {
  const mac = (bytes: Uint8Array): Buffer =>
    hash('sha256', Buffer.concat([Buffer.from(key), bytes]), 'buffer');
  return {
    keyId: `quick-${key}`,
    sign: mac,
    verify: (bytes, signature) => mac(bytes).equals(signature),
  };
};

/** What {@link openRoom}'s central signs with. */
export const QUICK_KEYS: CentralKeys = {
  answers: quickSigner('answers'),
  gateway: quickSigner('gateway'),
};

/** What {@link openRoom}'s central believes by. */
export const QUICK_TRUST = trustIn({
  answerKeys: new Keyring(quickSigner('answers')),
  gatewayKeys: new Keyring(quickSigner('gateway')),
  wallets: [],
  collectorOf: () => 'house',
});

/** The clients' port into a central of the same process. */
export const into =
  (central: Central): HttpSend =>
  async ({ method, target, headers, body }) => {
    const lower = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));
    const answer = await central.handle({
      method,
      target,
      headers: lower,
      body: body ?? new Uint8Array(0),
    });
    // Whatever a test is about: what central answers is what docs/api says of it.
    checkAnswer(method, target, answer.status, answer.body);
    return {
      status: answer.status,
      header: (name) => answer.headers[name] ?? null,
      body: Buffer.from(answer.body, 'utf8'),
    };
  };

/** One terminal of a {@link Room}: its journal, and how far it told central. */
export class Terminal {
  readonly id: string;
  readonly client: BillingClient & CardKeyClient;
  journal: TestJournal;
  sent = 0;
  constructor(id: string, client: BillingClient & CardKeyClient) {
    this.id = id;
    this.client = client;
    this.journal = new TestJournal(id);
  }
  /** Tells what was not told yet (at most `count` facts). @returns what central set aside */
  async upload(count = Number.POSITIVE_INFINITY): Promise<readonly number[]> {
    const to = Math.min(this.journal.events.length, this.sent + count);
    if (to === this.sent) return [];
    const result = await this.journal.send(this.client, this.sent + 1, to);
    if (result.kind !== 'acked') throw new Error(JSON.stringify(result));
    this.sent = to;
    return result.answer.quarantined;
  }
}

export interface Room {
  readonly central: Central;
  readonly db: Db;
  /** Milliseconds; the test moves it. */
  now: number;
  readonly terminals: readonly Terminal[];
  readonly close: () => Promise<void>;
}

export { ANY_REFUND } from '../../../src/central/sale/budgets.ts';

/** Central without a transport, under a clock that stands still, with as many terminals as wanted. */
export async function openRoom(
  on: Engine | Db,
  count = 3,
  over: Partial<CentralOptions> = {},
): Promise<Room> {
  const db = typeof on === 'string' ? await openDb(on, 'made') : on;
  const ids = Array.from({ length: count }, (_, i) => String(311 + i).padStart(12, '0'));
  const room = { now: 1_780_000_000_000 };
  const clock: Clock = {
    nowMs: () => room.now,
    monoMs: () => room.now,
    after: () => () => undefined,
  };
  const central = createCentral({
    db,
    ...DEMO_DATA,
    policySigner: quickSigner('policy'),
    answerSigner: quickSigner('answers'),
    gatewaySigner: quickSigner('gateway'),
    verifierOf: quickSigner,
    now: () => room.now,
    terminals: ids.map((terminalId) => ({ terminalId, publicKeyPem: terminalId })),
    ...(over.accounts === undefined ? {} : { claims: [] }),
    ...over,
  });
  await central.open();
  const terminals = ids.map(
    (id) =>
      new Terminal(
        id,
        createBillingClient({
          baseUrl: 'http://central',
          terminalId: id,
          signer: quickSigner(id),
          policyKeys: new Keyring(quickSigner('policy')),
          answerKeys: new Keyring(quickSigner('answers')),
          clock,
          random: { bytes: (n) => randomBytes(n) },
          timeoutMs: 1_000,
          send: into(central),
        }),
      ),
  );
  return Object.assign(room, {
    central,
    db,
    terminals,
    close: async () => {
      await central.close();
      await db.close();
    },
  });
}

/**
 * What central runs on: the real one, and the simulation's. PGlite, the demo's, has a test of its
 * own.
 */
export const ENGINES = ['postgres', 'sqlite'] as const;
export type Engine = (typeof ENGINES)[number];
/** @param schema `none`: nothing is in it · `made`: central's tables, as after the first start */
export const openDb = (engine: Engine, schema: 'none' | 'made' = 'none'): Promise<Db> =>
  engine === 'sqlite'
    ? Promise.resolve(openSqliteDb())
    : schema === 'made'
      ? madePostgres()
      : emptyPostgres();

const openServer = async (): Promise<Db> =>
  openPostgres({
    clock: systemClock,
    random: systemRandom,
    url: await sharedDatabase(inject('postgresFolder')),
    connections: 8,
    mayForget: true,
  });

/** Databases whose test is over: to make one takes longer than to empty it. */
const idle: Db[] = [];
async function emptyPostgres(): Promise<Db> {
  const db = idle.pop() ?? (await openServer());
  return {
    ...db,
    close: async () => {
      await db.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public;');
      idle.push(db);
    },
  };
}

/** One with central's tables, and what their making left in them. */
interface Made {
  readonly db: Db;
  readonly tables: readonly string[];
  /** Rows as JSON, by table. */
  readonly rows: readonly (readonly [table: string, json: string])[];
}
/** Of those: sixty migrations take longer than to empty their tables. */
const unused: Made[] = [];
async function madePostgres(): Promise<Db> {
  const made = unused.pop() ?? (await make(idle.pop() ?? (await openServer())));
  const { db } = made;
  return {
    ...db,
    close: async () => {
      const there = await tablesOf(db);
      // A test that changed the tables themselves has had them for good.
      if (there.join() !== made.tables.join()) {
        await db.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public;');
        idle.push(db);
        return;
      }
      const emptied = made.tables.map(nameOf).filter((table) => table !== 'schema_migrations');
      // Not TRUNCATE, which makes files anew; and without the triggers that keep a ledger whole.
      await db.exec(
        `BEGIN; SET LOCAL session_replication_role = replica;
         ${emptied.map((table) => `DELETE FROM ${table};`).join('')}
         SELECT setval(c.oid, 1, false) FROM pg_class c
         WHERE c.relkind = 'S' AND c.relnamespace = 'public'::regnamespace;
         COMMIT;`,
      );
      for (const [table, json] of made.rows) await putBack(db, table, json);
      unused.push(made);
    },
  };
}
const tablesOf = async (db: Db): Promise<readonly string[]> =>
  (
    await db.query<{ name: string }>(
      `SELECT c.relname || '(' || string_agg(a.attname, ',' ORDER BY a.attnum) || ')' AS name
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
         AND NOT a.attisdropped
       WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
       GROUP BY c.relname ORDER BY 1`,
    )
  ).map(({ name }) => name);
async function make(db: Db): Promise<Made> {
  await migrate(db);
  const tables = await tablesOf(db);
  const rows: (readonly [string, string])[] = [];
  for (const table of tables.map(nameOf).filter((name) => name !== 'schema_migrations')) {
    const [found] = await db.query<{ n: unknown; json: string }>(
      `SELECT COUNT(*) AS n, COALESCE(json_agg(t), '[]')::text AS json FROM ${table} t`,
    );
    if (Number(found?.n) > 0) rows.push([table, found?.json ?? '[]']);
  }
  return { db, tables, rows };
}
const nameOf = (table: string): string => table.slice(0, table.indexOf('('));
const putBack = (db: Db, table: string, json: string): Promise<unknown> =>
  db.query(
    `INSERT INTO ${table} OVERRIDING SYSTEM VALUE
     SELECT * FROM json_populate_recordset(NULL::${table}, $1::json)`,
    [json],
  );

/** A central of its own with the demo's data and two terminals. */
export async function openHall(engine: Engine = 'postgres'): Promise<Hall> {
  let shift = 0;
  const clock = {
    nowMs: () => Date.now() + shift,
    monoMs: () => performance.now(),
    after: (ms: number, fn: () => void) => {
      const t = setTimeout(fn, ms);
      return () => clearTimeout(t);
    },
    shift: (ms: number) => {
      shift += ms;
    },
  };
  const policyKeys = edKeys();
  const answerKeys = edKeys();
  const gateway = ed25519Signer(edKeys().privateKeyPem);
  const ids = ['000000000311', '000000000312'] as const;
  const keys = ids.map(() => edKeys());
  const db = await openDb(engine, 'made');
  const central = createCentral({
    db,
    ...DEMO_DATA,
    policySigner: ed25519Signer(policyKeys.privateKeyPem),
    answerSigner: ed25519Signer(answerKeys.privateKeyPem),
    gatewaySigner: gateway,
    now: clock.nowMs,
    terminals: ids.map((terminalId, i) => ({
      terminalId,
      publicKeyPem: keys[i]?.publicKeyPem ?? '',
      epoch: 1,
    })),
  });
  const doors = await central.start();
  const { baseUrl } = doors.terminals;
  const terminals = ids.map((terminalId, i) => ({
    terminalId,
    keys: keys[i] as ReturnType<typeof edKeys>,
    journal: new TestJournal(terminalId, 1, {
      answers: ed25519Signer(answerKeys.privateKeyPem),
      gateway,
    }),
    client: createBillingClient({
      baseUrl,
      terminalId,
      signer: ed25519Signer(keys[i]?.privateKeyPem ?? ''),
      policyKeys: new Keyring(ed25519Verifier(policyKeys.publicKeyPem)),
      answerKeys: new Keyring(ed25519Verifier(answerKeys.publicKeyPem)),
      clock,
      random: { bytes: (n) => randomBytes(n) },
      timeoutMs: 10_000,
    }),
  }));
  return {
    central,
    db,
    baseUrl,
    consoleUrl: doors.staff.baseUrl,
    clock,
    terminals,
    policyKeys,
    answerKeys,
    close: async () => {
      await central.close();
      await db.close();
    },
  };
}
