import { generateKeyPairSync } from 'node:crypto';
import { createBillingClient } from '../src/billing/client.ts';
import type { BillingClient } from '../src/billing/types.ts';
import type { Central } from '../src/central/central.ts';
import type { CentralRequest } from '../src/central/http/request.ts';
import { systemClock, systemRandom } from '../src/main/ports.ts';
import { receiptToken } from '../src/shared/evidence.ts';
import { accountDigest, grantToken } from '../src/shared/grants.ts';
import type { Clock, SigningKey } from '../src/shared/ports.ts';
import { toHex } from '../src/shared/bytes.ts';
import { canonicalJson } from '../src/shared/canonical-json.ts';
import type { Quote, UploadEvent } from '../src/shared/central-api/index.ts';
import type { EventBody, EventKind } from '../src/shared/facts/catalogue.ts';
import type { HttpAnswer, HttpSend } from '../src/shared/http.ts';
import { eventHash, genesisHash } from '../src/shared/journal-hash.ts';
import { makeAttemptIds, makeOrderId } from '../src/shared/order-id.ts';
import { orderTag } from '../src/shared/order-tag.ts';
import { Keyring } from '../src/shared/signatures.ts';
import { ed25519Signer, ed25519Verifier } from '../src/shared/signing.ts';

/** A card that is sold to, as it stands in the books. */
export interface SoldCard {
  readonly cardNo: string;
  readonly userNo: string;
  /** The purchases that are on it; the seller counts on. */
  count: number;
  cumulative: number;
}
/** One upload as it is handed to central, and its facts as rows of `journal_events`. */
export interface Batch {
  readonly request: CentralRequest;
  readonly rows: readonly (readonly unknown[])[];
}

/** What every sale here is paid, fen: 18.86 m³ and a remainder that the next sale spends. */
export const AMOUNT_FEN = 5_000;
/** Facts of one sale of {@link BenchTerminal.sell}. */
export const FACTS_A_SALE = 8;

let aheadMs = 0;
/**
 * Everybody's clock here. A terminal may ask for so many quotes in a minute: whoever sells faster
 * than any customer could sets it forward.
 */
export const benchClock: Clock = { ...systemClock, nowMs: () => Date.now() + aheadMs };
/** The next minute begins. */
export const nextMinute = (): void => void (aheadMs += 60_000);

/** Central's keys: what a terminal knows of them, and what signs in central's stead. */
export interface CompanyKeys {
  readonly policyPublicKeyPem: string;
  readonly answerPublicKeyPem: string;
  readonly answers: SigningKey;
  readonly gateway: SigningKey;
}

export const edKeys = (): { readonly privateKeyPem: string; readonly publicKeyPem: string } => {
  const pair = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { privateKeyPem: pair.privateKey, publicKeyPem: pair.publicKey };
};

/**
 * A terminal that sells without devices: its quotes are central's, its facts are those that a kiosk
 * appends for a quiet sale (the simulation's most common one), and its uploads are signed by the
 * kiosk's own client and kept, instead of sent.
 */
export class BenchTerminal {
  readonly id: string;
  readonly publicKeyPem: string;
  readonly #client: BillingClient;
  #central: Central | null = null;
  /** Where signed uploads are kept while they are recorded. */
  #kept: CentralRequest[] | null = null;
  #seq = 0;
  #sent = 0;
  #hash: string;
  #sentHash: string;
  #unsent: UploadEvent[] = [];
  #orders = 0;

  readonly #company: CompanyKeys;

  constructor(id: string, company: CompanyKeys) {
    this.id = id;
    this.#company = company;
    const keys = edKeys();
    this.publicKeyPem = keys.publicKeyPem;
    this.#hash = this.#sentHash = genesisHash(id, 1);
    this.#client = createBillingClient({
      baseUrl: 'http://central',
      terminalId: id,
      signer: ed25519Signer(keys.privateKeyPem),
      policyKeys: new Keyring(ed25519Verifier(company.policyPublicKeyPem)),
      answerKeys: new Keyring(ed25519Verifier(company.answerPublicKeyPem)),
      clock: benchClock,
      random: systemRandom,
      timeoutMs: 60_000,
      send: this.#send,
    });
  }

  /** Whom quotes are asked of. */
  connect(central: Central): void {
    this.#central = central;
  }

  readonly #send: HttpSend = async ({ method, target, headers, body }) => {
    const request: CentralRequest = {
      method,
      target,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      ),
      body: body ?? new Uint8Array(0),
    };
    if (this.#kept !== null) {
      this.#kept.push(request);
      return answerOf(503, '{}', {});
    }
    if (this.#central === null) throw new Error('not connected');
    const answer = await this.#central.handle(request);
    return answerOf(answer.status, answer.body, answer.headers);
  };

  /** A sale under a firm quote of central's, which holds the card's claim and its remainder. */
  async sell(card: SoldCard): Promise<void> {
    const orderId = this.#nextOrder();
    const quote = await this.#client.quote({
      orderId,
      cardNo: card.cardNo,
      nextCount: card.count + 1,
      amountFen: AMOUNT_FEN,
    });
    if (!quote.ok) throw new Error(`${quote.error.code} ${quote.error.detail ?? ''}`);
    this.#factsOf(orderId, card, quote.value, false);
  }

  /** A sale that no central was asked for: the line was down. Remainders are not spent then. */
  sellOffline(card: SoldCard, priced: OfflinePrice): void {
    this.#factsOf(this.#nextOrder(), card, { ...priced, amountFen: AMOUNT_FEN }, true);
  }

  #nextOrder(): string {
    return makeOrderId(this.id, 1, ++this.#orders, systemRandom);
  }

  /** Bodies are as long as the real ones: images of a PL-CPU card and their plan among them. */
  #factsOf(orderId: string, card: SoldCard, q: Terms, offline: boolean): void {
    const { amountFen, quantity } = q;
    const { attemptId, outTradeNo, outRefundNo } = makeAttemptIds(orderId, 1, systemRandom);
    const transactionId = `4200${this.id}${String(this.#orders).padStart(12, '0')}`;
    const tag = toHex(orderTag(orderId));
    const count = card.count + 1;
    const cumulative = card.cumulative + quantity;
    const body = {
      cardNo: card.cardNo,
      userNo: card.userNo,
      layout: 'PL-CPU' as const,
      unit: 'volume' as const,
      nextCount: count,
      amountFen,
      quantity,
      shares: [...q.shares],
      carriedUsedMicro: q.carriedUsedMicro,
      carriedAfterMicro: q.carriedAfterMicro,
      tariffId: q.tariffId,
      tariffVersion: q.tariffVersion,
      offline,
      tag,
    } satisfies EventBody<'order-quoted'>;
    this.#add('order-quoted', orderId, { ...body, grant: this.#grantOf(body, q.grant) });
    this.#add('attempt-creating', orderId, {
      attemptId,
      provider: 'gateway',
      outTradeNo,
      outRefundNo,
      amountFen,
      expiresAtMs: benchClock.nowMs() + 120_000,
    });
    this.#add('attempt-pending', orderId, { attemptId });
    this.#add('attempt-paid', orderId, {
      attemptId,
      transactionId,
      amountFen,
      taken: true,
      evidence: {
        kind: 'receipt',
        token: receiptToken(this.#company.gateway, {
          terminalId: this.id,
          orderId,
          outTradeNo,
          amountFen,
          wallet: 'wechat',
          walletNumber: transactionId,
          paidMs: null,
        }),
      },
    });
    this.#add('order-paid', orderId, { attemptId, amountFen });
    this.#add('order-delivering', orderId, {
      insertion: 2,
      before: image(card, card.count, card.cumulative, '00000000'),
      after: image(card, count, cumulative, tag),
      cumulative,
      plan: [
        'SELECT PL.METER, re-read SFI 15 16 17',
        'EXTERNAL AUTHENTICATE',
        `UPDATE SFI 17: count ${count}, quantity ${quantity}, cumulative ${cumulative}`,
      ],
    });
    this.#add('order-delivered', orderId, { by: 'read-back', count, cumulative, quantity });
    this.#add('slip-printed', orderId, { ok: true, what: 'receipt' });
    card.count = count;
    card.cumulative = cumulative;
  }

  /** A quote's own grant; of a sale offline that of the account answer, kept since it was heard. */
  #grantOf(body: Parameters<typeof accountDigest>[0], own: string | undefined): string {
    return (
      own ??
      grantToken(this.#company.answers, {
        kind: 'account',
        terminalId: this.id,
        orderId: '',
        digest: accountDigest(body),
        grantedMs: benchClock.nowMs(),
      })
    );
  }

  #add<K extends EventKind>(kind: K, orderId: string, body: EventBody<K>): void {
    const event = { seq: ++this.#seq, kind, wallMs: benchClock.nowMs(), orderId, body };
    this.#hash = eventHash(this.#hash, { epoch: 1, ...event });
    this.#unsent.push({ ...event, hash: this.#hash });
  }

  /** What was sold and not recorded yet, signed, in batches of at most `size` facts. */
  async record(size: number): Promise<readonly Batch[]> {
    const events = this.#unsent;
    this.#unsent = [];
    const kept: CentralRequest[] = (this.#kept = []);
    const batches: Batch[] = [];
    for (let at = 0; at < events.length; at += size) {
      const some = events.slice(at, at + size);
      const told = { epoch: 1, fromSeq: this.#sent + 1, prevHash: this.#sentHash, events: some };
      await this.#client.upload(told);
      const last = some.at(-1) as UploadEvent;
      this.#sent = last.seq;
      this.#sentHash = last.hash;
      batches.push({
        request: kept.at(-1) as CentralRequest,
        rows: some.map((e) => [
          this.id,
          1,
          e.seq,
          e.kind,
          e.wallMs,
          e.orderId,
          canonicalJson(e.body),
          e.hash,
          e.wallMs,
        ]),
      });
    }
    this.#kept = null;
    return batches;
  }
}

/** What a sale was agreed at. */
type Terms = Omit<Quote, 'orderId' | 'cardNo' | 'nextCount' | 'expiresAtMs'>;
/** What a sale offline is agreed at. */
export type OfflinePrice = Omit<Terms, 'amountFen'>;

function answerOf(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): HttpAnswer {
  return { status, header: (name) => headers[name] ?? null, body: Buffer.from(body, 'utf8') };
}

/** 62 bytes, as a PL-CPU card's files are journaled. */
function image(card: SoldCard, count: number, cumulative: number, tag: string): string {
  const bytes = (n: number): string => n.toString(16).toUpperCase().padStart(8, '0');
  return `504C303053414D5001011000000000${card.cardNo}${card.userNo}2024010120440101000010020010020101030103E801F400000000${bytes(count)}${bytes(cumulative)}00032827261122${tag}`;
}
