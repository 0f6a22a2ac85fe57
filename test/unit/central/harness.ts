import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createBillingClient } from '../../../src/billing/client.ts';
import type { BillingClient, UploadResult } from '../../../src/billing/types.ts';
import { openPglite } from '../../../src/central/db.ts';
import type { Db } from '../../../src/central/db.ts';
import { createCentral } from '../../../src/central/server.ts';
import type { Central } from '../../../src/central/server.ts';
import type { Quote, UploadEvent } from '../../../src/shared/central-api.ts';
import type { EventBody, EventKind } from '../../../src/shared/events.ts';
import { eventHash, genesisHash } from '../../../src/shared/journal-hash.ts';
import { toHex } from '../../../src/shared/bytes.ts';
import { orderTag } from '../../../src/shared/order-tag.ts';
import type { Clock } from '../../../src/shared/ports.ts';
import { ed25519Signer, ed25519Verifier } from '../../../src/shared/signing.ts';
import { openSqliteDb } from '../../../src/main/demo/simulate/sqlite-db.ts';

export const edKeys = (): { privateKeyPem: string; publicKeyPem: string } => {
  const pair = generateKeyPairSync('ed25519', { privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  return { privateKeyPem: pair.privateKey, publicKeyPem: pair.publicKey };
};

/** A terminal's journal as far as uploading needs it. */
export class TestJournal {
  readonly events: UploadEvent[] = [];
  readonly terminalId: string;
  readonly epoch: number;
  constructor(terminalId: string, epoch = 1) {
    this.terminalId = terminalId;
    this.epoch = epoch;
  }
  hashAt(seq: number): string {
    return seq === 0 ? genesisHash(this.terminalId, this.epoch) : (this.events[seq - 1] as UploadEvent).hash;
  }
  raw(kind: string, orderId: string | null, body: unknown): number {
    const seq = this.events.length + 1;
    const event = { seq, kind, wallMs: 1_780_000_000_000 + seq, orderId, body };
    this.events.push({ ...event, hash: eventHash(this.hashAt(seq - 1), { epoch: this.epoch, ...event }) });
    return seq;
  }
  add<K extends EventKind>(kind: K, orderId: string | null, body: EventBody<K>): number {
    return this.raw(kind, orderId, body);
  }
  quoted(orderId: string, q: Quote, userNo: string, over: Partial<EventBody<'order-quoted'>> = {}): void {
    this.add('order-quoted', orderId, {
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
      ...over,
    });
  }
  paid(orderId: string, amountFen: number): void {
    this.add('attempt-creating', orderId, { attemptId: `${orderId}-a`, provider: 'wechat', outTradeNo: `T${orderId}`, outRefundNo: `R${orderId}`, amountFen, expiresAtMs: 1_780_000_120_000 });
    this.add('attempt-paid', orderId, { attemptId: `${orderId}-a`, transactionId: '4200', amountFen, taken: true });
    this.add('order-paid', orderId, { attemptId: `${orderId}-a`, amountFen });
  }
  delivered(orderId: string, q: Quote): number {
    this.add('order-delivering', orderId, { insertion: 1, before: '', after: '', cumulative: 0, plan: [] });
    return this.add('order-delivered', orderId, { by: 'read-back', count: q.nextCount, quantity: q.quantity, cumulative: 0 });
  }
  send(client: BillingClient, from: number, to = this.events.length): Promise<UploadResult> {
    return client.upload({ epoch: this.epoch, fromSeq: from, prevHash: this.hashAt(from - 1), events: this.events.slice(from - 1, to) });
  }
}

export interface Hall {
  readonly central: Central;
  readonly db: Db;
  readonly baseUrl: string;
  readonly clock: Clock & { shift: (ms: number) => void };
  readonly terminals: readonly { readonly terminalId: string; readonly client: BillingClient; readonly journal: TestJournal; readonly keys: ReturnType<typeof edKeys> }[];
  readonly policyKeys: ReturnType<typeof edKeys>;
  readonly close: () => Promise<void>;
}

/** What central runs on: the real one, and the simulation's. */
export const ENGINES = ['pglite', 'sqlite'] as const;
export type Engine = (typeof ENGINES)[number];
export const openDb = (engine: Engine): Promise<Db> => (engine === 'pglite' ? openPglite(null) : Promise.resolve(openSqliteDb()));

/** A central in memory with the demo's data and two terminals. */
export async function openHall(engine: Engine = 'pglite'): Promise<Hall> {
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
  const ids = ['000000000311', '000000000312'] as const;
  const keys = ids.map(() => edKeys());
  const db = await openDb(engine);
  const central = createCentral({ db, port: 0, policySigner: ed25519Signer(policyKeys.privateKeyPem), now: clock.nowMs, terminals: ids.map((terminalId, i) => ({ terminalId, publicKeyPem: keys[i]?.publicKeyPem ?? '', epoch: 1 })) });
  const { baseUrl } = await central.start();
  const terminals = ids.map((terminalId, i) => ({
    terminalId,
    keys: keys[i] as ReturnType<typeof edKeys>,
    journal: new TestJournal(terminalId),
    client: createBillingClient({ baseUrl, terminalId, signer: ed25519Signer(keys[i]?.privateKeyPem ?? ''), policyVerifier: ed25519Verifier(policyKeys.publicKeyPem), clock, random: { bytes: (n) => randomBytes(n) }, timeoutMs: 10_000 }),
  }));
  return {
    central,
    db,
    baseUrl,
    clock,
    terminals,
    policyKeys,
    close: async () => {
      await central.close();
      await db.close();
    },
  };
}
