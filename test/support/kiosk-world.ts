import { cardSaleOf } from '../../src/shared/sale.ts';
import type { CardKind } from '../../src/shared/sale.ts';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quickSigner } from '../unit/central/harness.ts';
import { receiptToken } from '../../src/shared/evidence.ts';
import type { PaymentEvidence } from '../../src/shared/evidence.ts';
import { terminalOf } from '../../src/shared/order-id.ts';
import type { BillingClient, UploadResult } from '../../src/billing/types.ts';
import {
  layoutRegistry,
  plCpuLayout,
  plFuelLayout,
  plPurseLayout,
  sampleKeyProvider,
} from '../../src/card/index.ts';
import type {
  CardChannel,
  CardGate,
  CardLayout,
  CardReader,
  KeyProvider,
  ReaderStatus,
} from '../../src/card/index.ts';
import { pcscMifarePort } from '../../src/card/readers/contactless.ts';
import { ACS_CCID } from '../../src/card/readers/dialects/acs.ts';
import { pcscMemoryPort } from '../../src/card/readers/memory.ts';
import { transmitT0 } from '../../src/card/readers/t0.ts';
import { DeviceRegistry } from '../../src/device/device.ts';
import type { NamedReport } from '../../src/device/device.ts';
import { troubled } from '../../src/device/printer/answers.ts';
import { printerReport } from '../../src/device/printer/device.ts';
import type { Printer, PrinterStatus } from '../../src/device/printer/types.ts';
import { machineDevices } from '../../src/main/core/devices.ts';
import type { AttemptRow, OrderRow } from '../../src/journal/fold.ts';
import { Journal } from '../../src/journal/journal.ts';
import { SecondLog } from '../../src/journal/second-log.ts';
import { verifyJournal } from '../../src/journal/verify.ts';
import { Kiosk } from '../../src/kiosk/kiosk.ts';
import type { MaintenancePorts } from '../../src/kiosk/maintenance/run.ts';
import type { Needs } from '../../src/kiosk/visit/service.ts';
import type { KioskEvent, ServiceState } from '../../src/kiosk/state/kiosk.ts';
import { Uploader } from '../../src/kiosk/watch/uploader.ts';
import type {
  AttemptRef,
  ChargeResult,
  CloseResult,
  CodePay,
  CreateResult,
  PaymentProvider,
  QueryResult,
  RefundQueryResult,
  RefundRequest,
  RefundResult,
  ReverseResult,
} from '../../src/payment/types.ts';
import type {
  Account,
  ClaimAnswer,
  ClaimTold,
  Command,
  CommandsAnswer,
  CreditAccount,
  CreditWord,
  FirmCredit,
  LedgerRow,
  OrderStatus,
  Quote,
  QuoteRequest,
  RequestStatus,
  UploadEvent,
  UploadRequest,
} from '../../src/shared/central-api/index.ts';
import type { EventBody } from '../../src/shared/facts/catalogue.ts';
import { snapshotSchema } from '../../src/shared/contract/index.ts';
import type {
  Intent,
  ProviderKind,
  Snapshot,
  SnapshotOf,
} from '../../src/shared/contract/index.ts';
import { failure } from '../../src/shared/errors.ts';
import type { Failure } from '../../src/shared/errors.ts';
import { priceAmount } from '../../src/shared/money.ts';
import type { HeldPolicy } from '../../src/shared/policy.ts';
import type { Slot } from '../../src/shared/requests.ts';
import type { Random } from '../../src/shared/ports.ts';
import { err, ok } from '../../src/shared/result.ts';
import type { Result } from '../../src/shared/result.ts';
import { chinaDate } from '../../src/shared/time.ts';
import { sampleCard } from '../../src/simulator/card/catalogue.ts';
import { CpuCard, counterRandom } from '../../src/simulator/card/cpu-card.ts';
import type { CardFault, CpuCardState } from '../../src/simulator/card/cpu-card.ts';
import { issueFuel, issuePurse } from '../../src/simulator/card/issue-purse.ts';
import { Pump } from '../../src/simulator/meter/pump.ts';
import { PurseMeter } from '../../src/simulator/meter/meter-purse.ts';
import { Meter, meterAreaHex } from '../../src/simulator/meter/meter.ts';
import type { SlotCard } from '../../src/simulator/vpcd/client.ts';
import { ManualClock } from './clock.ts';
import { CREDIT_POLICY, CreditBooks } from './credit-books.ts';
import { MyAccountBooks } from './my-account-books.ts';

/** A printer that is well, or without paper. */
const printerStatus = (well: boolean): PrinterStatus =>
  well ? { ready: true, paperLow: false, trouble: null, failure: null } : troubled('paper-end');

/** 2026-11-22 12:00 UTC. */
export const T0 = Date.UTC(2026, 10, 22, 12);
const TERMINAL = '000000000311';
const NEIGHBOUR = '000000000312';

/** With all that is sold without a card. */
export const creditPolicy = (): HeldPolicy => ({ ...POLICY, credit: CREDIT_POLICY });
export const POLICY: HeldPolicy = {
  version: 1,
  hotline: '96777',
  presetsFen: [5_000, 10_000],
  minFen: 1_000,
  maxFen: 100_000,
  // Large sums are asked about in confirm-sum.test.ts.
  confirmAboveFen: null,
  payWindowMs: 180_000,
  offline: { accountMaxAgeMs: 3_600_000, capFen: 20_000 },
  unsynced: { maxEvents: 10_000, maxFen: 10_000_000, maxAgeMs: 86_400_000 },
  retentionDays: 400,
  maxClockSkewMs: 60_000,
  notices: [],
  sites: [],
};

/** Bytes of SHA-256 over a seed and a counter: never the same twice, the same in every run. */
export function seededRandom(seed: string): Random {
  let n = 0;
  return {
    bytes: (length) => {
      const out: number[] = [];
      while (out.length < length)
        out.push(...createHash('sha256').update(`${seed}/${n++}`).digest());
      return Uint8Array.from(out.slice(0, length));
    },
  };
}

/**
 * Memory where there is any: what is tested here is order and content; `SIGKILL` and power are
 * test/kill's.
 */
export function scratchFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'pilotlight-unit-'));
}

/**
 * The cards of this world: those of the catalogue, `purse`, a card in mode _purse_ whose account is
 * in money, and `fuel`, a refuelling card.
 */
interface WorldCard {
  readonly cardNo: string | null;
  readonly userNo: string | null;
  readonly meterNo: string | null;
  readonly kind?: CardKind;
  readonly unit?: 'money';
  readonly make: () => CpuCard;
}
const PURSE = { cardNo: '8800003950', userNo: '1002203350', meterNo: '0000157750' } as const;
const FUEL = { cardNo: '8800003951', userNo: '1002203351' } as const;
function worldCard(id: string): WorldCard {
  if (id === 'purse')
    return {
      ...PURSE,
      unit: 'money',
      make: () => new CpuCard(issuePurse(PURSE), counterRandom(3950)),
    };
  if (id === 'fuel')
    return {
      ...FUEL,
      meterNo: '0000000000',
      kind: 'fuel',
      unit: 'money',
      make: () => new CpuCard(issueFuel(FUEL), counterRandom(3951)),
    };
  return sampleCard(id);
}

/**
 * Where the process may be cut. `torn`: killed between SQLite's commit and the end of the second
 * log's write.
 */
export type Cut = 'before' | 'after' | 'torn';
class Crash extends Error {}
const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** A kiosk whose process ends (is dropped) at a crash, instead of ending the test's. */
class CrashableKiosk extends Kiosk {
  override dispatch(event: KioskEvent): void {
    try {
      super.dispatch(event);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }
}

/** One process's life: its ports stop answering when it is cut. */
class Life {
  alive = true;
}

/** What a gateway would give for it, where its order is known. */
function receiptOf(trade: Trade, amountFen: number): { readonly evidence?: PaymentEvidence } {
  const { orderId, outTradeNo, provider: wallet } = trade;
  if (orderId === undefined) return {};
  const token = receiptToken(quickSigner('gateway'), {
    terminalId: terminalOf(orderId),
    orderId,
    outTradeNo,
    amountFen,
    wallet,
    walletNumber: `T${outTradeNo}`,
    paidMs: null,
  });
  return { evidence: { kind: 'receipt', token } };
}

interface Trade {
  readonly outTradeNo: string;
  readonly orderId?: string | undefined;
  readonly amountFen: number;
  readonly qrText: string;
  state: 'notpay' | 'paying' | 'paid' | 'closed' | 'revoked';
  readonly provider: ProviderKind;
  /** The digits it was charged with. */
  readonly authCode: string | null;
  /** The whole sum was handed back by a reversal. */
  reversedFen: number;
  readonly madeMs: number;
  capturedFen: number;
  readonly refunds: Map<
    string,
    { readonly fen: number; state: 'processing' | 'done' | 'abnormal' }
  >;
  creates: number;
}
/** A query that the gateway holds. */
export interface HeldQuery {
  readonly waitMs: number;
  readonly known: string;
  readonly answer: (instead?: QueryResult) => void;
}
type Verb = 'create' | 'query' | 'close' | 'refund' | 'queryRefund' | 'charge' | 'reverse';
/**
 * What happens to the next call of a verb: `unsent` no effect and no answer, `lost` the effect but
 * no answer, `refused` a definite no, `beyond` the gateway keeps it for a person, `under-way` no
 * answer, and the effect comes later ({@link PaymentBooks.land}; of a close only).
 */
export type Mishap = 'unsent' | 'lost' | 'refused' | 'beyond' | 'under-way';

/** The provider's own books: they outlive every kiosk. */
export class PaymentBooks {
  readonly trades = new Map<string, Trade>();
  /** Mishaps to come, by verb. */
  readonly next: Record<Verb, Mishap[]> = {
    create: [],
    query: [],
    close: [],
    refund: [],
    queryRefund: [],
    charge: [],
    reverse: [],
  };
  /** What the next charge finds at the customer's wallet. */
  wallet: 'pays' | 'asks-password' | 'balance-short' | 'declined-but-open' = 'pays';
  /** The provider forgets that it reversed: a paid trade still reads as paid so many times more. */
  reverseFails = 0;
  down = false;
  /** How new refunds start. */
  refundState: 'done' | 'processing' | 'abnormal' = 'done';
  /** The amount that the provider says it captured, instead of the truth. */
  saysFen: number | null = null;
  readonly calls: string[] = [];
  /**
   * The gateway holds queries: each stands here until it is answered, by what is true then or by
   * this. Null: it holds none.
   */
  holding: HeldQuery[] | null = null;
  /** What happens at the provider just before a call takes effect, and just after. */
  onCall: ((verb: Verb, when: 'before' | 'after') => void) | null = null;
  /** Trades whose close is under way. */
  readonly #closes: Trade[] = [];

  /**
   * Closes that were under way arrive, and so late that nobody looks first: what they find paid
   * goes back whole (Alipay's cancel).
   */
  land(): void {
    for (const trade of this.#closes.splice(0)) {
      if (trade.refunds.size > 0) continue;
      trade.reversedFen = trade.capturedFen;
      trade.state = 'revoked';
    }
  }

  newest(): Trade {
    const trade = [...this.trades.values()].at(-1);
    if (trade === undefined) throw new Error('no trade');
    return trade;
  }
  /** The customer pays; `late`: the money comes through though the trade was closed. */
  pay(trade = this.newest(), late = false): boolean {
    if (
      trade.state === 'paid' ||
      ((trade.state === 'closed' || trade.state === 'revoked') && !late)
    )
      return false;
    trade.state = 'paid';
    trade.capturedFen += trade.amountFen;
    return true;
  }
  finishRefunds(): void {
    for (const t of this.trades.values()) for (const r of t.refunds.values()) r.state = 'done';
  }

  /** All money that the customers are without. */
  keptFen(): number {
    let sum = 0;
    for (const t of this.trades.values())
      sum += t.capturedFen - t.reversedFen - [...t.refunds.values()].reduce((a, r) => a + r.fen, 0);
    return sum;
  }

  provider(
    world: World,
    life: Life,
    kind: ProviderKind = 'wechat',
    codes = false,
  ): PaymentProvider {
    const call = async <T extends { readonly kind: string }>(
      verb: Verb,
      effect: () => T,
      refused: (f: Failure) => T | null,
      unknown: (f: Failure) => T,
    ): Promise<T> => {
      this.calls.push(verb);
      if (!life.alive || world.at(life, verb, 'before')) return never();
      const mishap = this.next[verb].shift();
      this.onCall?.(verb, 'before');
      let answer: T;
      if (this.down || mishap === 'unsent') answer = unknown(failure('PAY-0202', 'line'));
      else if (mishap === 'beyond') answer = unknown(failure('PAY-0205', 'a person'));
      else if (mishap === 'refused')
        answer =
          refused(failure(verb === 'refund' ? 'PAY-0301' : 'PAY-0102', 'scripted')) ??
          unknown(failure('PAY-0203'));
      else if (mishap === 'under-way') answer = unknown(failure('PAY-0202', 'no answer in time'));
      else {
        answer = effect();
        if (mishap === 'lost') answer = unknown(failure('PAY-0202', 'the answer was lost'));
      }
      this.onCall?.(verb, 'after');
      if (!life.alive || world.at(life, verb, 'after')) return never();
      await Promise.resolve();
      return life.alive ? answer : never();
    };
    const unknown = (f: Failure): { readonly kind: 'unknown'; readonly failure: Failure } => ({
      kind: 'unknown',
      failure: f,
    });
    const of = (ref: AttemptRef): Trade | undefined => this.trades.get(ref.outTradeNo);
    const code: CodePay = {
      reverseAfterMs: kind === 'wechat' ? 15_000 : 0,
      charge: (r) =>
        call<ChargeResult>(
          'charge',
          () => {
            if (this.trades.has(r.outTradeNo)) throw new Error('a code was sent twice');
            const trade: Trade = {
              outTradeNo: r.outTradeNo,
              orderId: r.orderId,
              amountFen: r.amountFen,
              qrText: '',
              state: 'notpay',
              provider: kind,
              authCode: r.authCode,
              reversedFen: 0,
              madeMs: world.clock.nowMs(),
              capturedFen: 0,
              refunds: new Map(),
              creates: 0,
            };
            this.trades.set(r.outTradeNo, trade);
            if (this.wallet === 'balance-short') {
              trade.state = 'closed';
              return { kind: 'refused', failure: failure('PAY-0401') };
            }
            if (this.wallet === 'declined-but-open')
              return { kind: 'refused', failure: failure('PAY-0402') };
            if (this.wallet === 'asks-password') {
              trade.state = 'paying';
              return { kind: 'paying' };
            }
            this.pay(trade);
            return {
              kind: 'paid',
              transactionId: `T${trade.outTradeNo}`,
              amountFen: this.saysFen ?? trade.capturedFen,
              paidAtMs: null,
              ...receiptOf(trade, this.saysFen ?? trade.capturedFen),
            };
          },
          (f) => ({ kind: 'refused', failure: f }),
          unknown,
        ),
      reverse: (r) =>
        call<ReverseResult>(
          'reverse',
          () => {
            const trade = of(r);
            if (trade === undefined) return { kind: 'not-found' };
            if (world.clock.nowMs() - trade.madeMs < code.reverseAfterMs)
              world.problems.push(`${trade.outTradeNo} reversed too early`);
            if (trade.refunds.size > 0)
              return { kind: 'refused', failure: failure('PAY-0301', 'refunded already') };
            if (trade.state === 'paid') {
              if (this.reverseFails > 0) {
                this.reverseFails--;
                return { kind: 'reversed', refunded: null };
              }
              trade.reversedFen = trade.capturedFen;
            }
            trade.state = 'revoked';
            return { kind: 'reversed', refunded: trade.reversedFen > 0 };
          },
          (f) => ({ kind: 'refused', failure: f }),
          unknown,
        ),
    };
    const standing = (trade: Trade | undefined): QueryResult => {
      if (trade === undefined) return { kind: 'not-found' };
      switch (trade.state) {
        case 'notpay':
          return { kind: 'pending' };
        case 'paying':
          return { kind: 'paying' };
        case 'closed':
        case 'revoked':
          return { kind: 'closed' };
        case 'paid':
          if (trade.refunds.size > 0)
            return {
              kind: 'refunded',
              transactionId: `T${trade.outTradeNo}`,
              amountFen: trade.amountFen,
            };
          return {
            kind: 'paid',
            transactionId: `T${trade.outTradeNo}`,
            amountFen: this.saysFen ?? trade.capturedFen,
            paidAtMs: null,
            ...receiptOf(trade, this.saysFen ?? trade.capturedFen),
          };
      }
    };
    const queryOf = (r: AttemptRef): Promise<QueryResult> =>
      call<QueryResult>(
        'query',
        () => standing(of(r)),
        () => null,
        unknown,
      );
    const { holding } = this;
    return {
      kind,
      ...(codes ? { code } : {}),
      ...(kind === 'gateway' && holding !== null
        ? {
            hold: (r, { waitMs, known }) =>
              new Promise((resolve) =>
                holding.push({
                  waitMs,
                  known,
                  answer: (instead) =>
                    void (instead === undefined ? queryOf(r) : Promise.resolve(instead)).then(
                      resolve,
                    ),
                }),
              ),
          }
        : {}),
      // As the adapters say of themselves (src/payment).
      ...(kind === 'alipay' || kind === 'gateway' ? { closeMayHandBack: true } : {}),
      ...(kind === 'unionpay' ? { provesNothing: true as const } : {}),
      create: (r) =>
        call<CreateResult>(
          'create',
          () => {
            const old = of(r);
            if (old === undefined)
              this.trades.set(r.outTradeNo, {
                outTradeNo: r.outTradeNo,
                orderId: r.orderId,
                amountFen: r.amountFen,
                qrText: `weixin://wxpay/${r.outTradeNo}`,
                state: 'notpay',
                provider: kind,
                authCode: null,
                reversedFen: 0,
                madeMs: world.clock.nowMs(),
                capturedFen: 0,
                refunds: new Map(),
                creates: 1,
              });
            else old.creates += 1;
            const trade = of(r) as Trade;
            if (trade.state === 'paid') return { kind: 'paid' };
            if (trade.state === 'closed')
              return { kind: 'refused', failure: failure('PAY-0102', 'closed') };
            return { kind: 'pending', qrText: trade.qrText };
          },
          (f) => ({ kind: 'refused', failure: f }),
          unknown,
        ),
      query: queryOf,
      close: (r) => {
        const found = of(r);
        if (this.next.close[0] === 'under-way' && found !== undefined) this.#closes.push(found);
        return call<CloseResult>(
          'close',
          () => {
            const trade = of(r);
            if (trade === undefined) return { kind: 'not-found' };
            if (trade.state === 'paid') return { kind: 'paid' };
            trade.state = 'closed';
            return { kind: 'closed' };
          },
          () => null,
          unknown,
        );
      },
      refund: (r: RefundRequest) =>
        call<RefundResult>(
          'refund',
          () => {
            const trade = of(r);
            if (trade === undefined || trade.state !== 'paid')
              return { kind: 'refused', failure: failure('PAY-0301', 'not paid') };
            const old = trade.refunds.get(r.outRefundNo);
            if (old === undefined)
              trade.refunds.set(r.outRefundNo, { fen: r.refundFen, state: this.refundState });
            const refund = trade.refunds.get(r.outRefundNo) as { state: string };
            if (refund.state === 'abnormal')
              return { kind: 'refused', failure: failure('PAY-0301', 'ABNORMAL') };
            return {
              kind: refund.state === 'done' ? 'done' : 'accepted',
              refundId: `F${r.outRefundNo}`,
            };
          },
          (f) => ({ kind: 'refused', failure: f }),
          unknown,
        ),
      queryRefund: (r: RefundRequest) =>
        call<RefundQueryResult>(
          'queryRefund',
          () => {
            const refund = of(r)?.refunds.get(r.outRefundNo);
            if (refund === undefined) return { kind: 'not-found' };
            if (refund.state === 'abnormal')
              return { kind: 'abnormal', failure: failure('PAY-0301', 'ABNORMAL') };
            return refund.state === 'done'
              ? { kind: 'done', refundId: `F${r.outRefundNo}`, refundFen: refund.fen }
              : { kind: 'processing', refundId: `F${r.outRefundNo}` };
          },
          () => null,
          unknown,
        ),
    };
  }
}

/** Central, in memory: accounts, claims, and every uploaded fact exactly once. */
export class CentralBooks {
  away = false;
  /** Calls wait until {@link letGo}. */
  held = false;
  #waiting: (() => void)[] = [];
  readonly accounts = new Map<string, Account>();
  readonly claims = new Map<string, { readonly cardNo: string }>();
  readonly released: string[] = [];
  /** Orders that took money as far as central knows: not let go of. */
  readonly kept = new Set<string>();
  /** Refunds that were granted: final. */
  readonly refundClaims = new Set<string>();
  /** What the next claims are answered with instead. */
  readonly claimAnswers: Result<ClaimAnswer, Failure>[] = [];
  /** What was told with each claim that was asked for. */
  readonly claimed: (ClaimTold | null)[] = [];
  /** What the next releases are answered with instead. */
  readonly releaseAnswers: Result<void, Failure>[] = [];
  /** Claims wait for it before they are answered. */
  claimGate: Promise<void> | null = null;
  /** Another kiosk's order on a card. */
  readonly foreignClaim = new Map<string, NonNullable<Account['claim']>>();
  commands: Command[] = [];
  statuses: OrderStatus[] = [];
  /** Half days that are full, of any category. */
  fullSlots: Slot[] = [];
  /** By the digits of the slip and the end of the telephone number, with a blank between. */
  readonly requests = new Map<string, RequestStatus>();
  readonly sealed: { readonly number: string; readonly sealed: string }[] = [];
  readonly firm: string[] = [];
  /** Accounts without a card. */
  readonly credit = new CreditBooks();
  readonly mine = new MyAccountBooks();
  /** Instead of what was uploaded. */
  ledgerSays: readonly LedgerRow[] | null = null;
  readonly events: UploadEvent[] = [];

  /** A person at central has looked at a card that refused its key. */
  clearKey(cardNo: string): void {
    const { refusedKey: _, ...account } = this.accounts.get(cardNo) as Account;
    this.accounts.set(cardNo, { ...account, keyLookedMs: (account.keyLookedMs ?? 0) + 1 });
  }

  letGo(): void {
    this.held = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  addCard(id: string): void {
    const card = worldCard(id);
    if (card.cardNo === null || card.userNo === null || card.meterNo === null)
      throw new Error(`${id} has no account`);
    this.addAccount({
      cardNo: card.cardNo,
      userNo: card.userNo,
      meterNo: card.meterNo,
      kind: card.kind ?? (id === 'water' ? 'water' : 'gas'),
      ...(card.unit === undefined ? {} : { unit: card.unit }),
    });
  }
  /** An ordinary account: count 41, cumulative 2 050.00. */
  addAccount(
    card: Pick<Account, 'cardNo' | 'userNo' | 'meterNo' | 'kind'> & Partial<Pick<Account, 'unit'>>,
  ): void {
    const unit = card.unit ?? 'volume';
    this.accounts.set(card.cardNo, {
      cardNo: card.cardNo,
      userNo: card.userNo,
      holderName: '张小明',
      meterNo: card.meterNo,
      kind: card.kind,
      unit,
      state: 'normal',
      count: 41,
      cumulative: 205_000,
      yearQuantity: 0,
      carriedMicro: 0,
      ceilingQuantity: 100_000,
      perPurchaseQuantity: null,
      periodLeftQuantity: null,
      // A purse holds money: one yuan of it costs one yuan.
      tariff:
        unit === 'money'
          ? { tariffId: 'money', version: 1, tiers: [{ uptoQuantity: null, priceE4: 10_000 }] }
          : {
              tariffId: 'gas-residential',
              version: 1,
              tiers: [
                { uptoQuantity: 36_000, priceE4: 26_500 },
                { uptoQuantity: null, priceE4: 31_800 },
              ],
            },
      claim: null,
    });
  }

  client(world: World, life: Life): BillingClient {
    const gone = (): Result<never, Failure> => err(failure('BILL-0101', 'away'));
    const call = async <T>(name: string, effect: () => T, away: () => T): Promise<T> => {
      if (!life.alive || world.at(life, name, 'before')) return never();
      if (this.held) await new Promise<void>((go) => this.#waiting.push(go));
      const answer = this.away ? away() : effect();
      if (!life.alive || world.at(life, name, 'after')) return never();
      await Promise.resolve();
      return life.alive ? answer : never();
    };
    const quote = (r: QuoteRequest): Result<Quote, Failure> => {
      const account = this.accounts.get(r.cardNo);
      if (account === undefined) return err(failure('SALE-0103'));
      if (account.count + 1 !== r.nextCount) return err(failure('SALE-0102'));
      const holder = [...this.claims].find(([, c]) => c.cardNo === r.cardNo)?.[0];
      if (holder !== undefined && holder !== r.orderId) return err(failure('SALE-0107'));
      const priced = priceAmount(r.amountFen, 0, account.yearQuantity, account.tariff.tiers);
      if (r.orderId !== null) {
        this.claims.set(r.orderId, { cardNo: r.cardNo });
        this.firm.push(r.orderId);
      }
      return ok({
        ...r,
        quantity: priced.quantity,
        shares: [...priced.shares],
        carriedUsedMicro: 0,
        carriedAfterMicro: priced.remainderMicro,
        tariffId: account.tariff.tariffId,
        tariffVersion: account.tariff.version,
        expiresAtMs: world.clock.nowMs() + 1_800_000,
      });
    };
    return {
      account: (cardNo) =>
        call<Awaited<ReturnType<BillingClient['account']>>>(
          'account',
          () => {
            const account = this.accounts.get(cardNo);
            if (account === undefined) return err(failure('SALE-0103'));
            const orderId = [...this.claims].find(([, c]) => c.cardNo === cardNo)?.[0];
            return ok({
              account: {
                ...account,
                claim:
                  orderId === undefined
                    ? (this.foreignClaim.get(cardNo) ?? null)
                    : {
                        orderId,
                        terminalId: world.terminalId,
                        nextCount: account.count + 1,
                        state: null,
                      },
              },
              serverTimeMs: world.clock.nowMs(),
            });
          },
          gone,
        ),
      quote: (r) => call(r.orderId === null ? 'preview' : 'quote', () => quote(r), gone),
      release: (orderId) =>
        call<Result<void, Failure>>(
          'release',
          () => {
            const scripted = this.releaseAnswers.shift();
            if (scripted !== undefined) return scripted;
            if (this.kept.has(orderId)) return err(failure('BILL-0105'));
            this.released.push(orderId);
            this.claims.delete(orderId);
            if (this.credit.orders.has(orderId)) this.credit.void(orderId, world.clock.nowMs());
            return ok(undefined);
          },
          gone,
        ),
      claim: async (orderId, kind, _cardNo, _claimMs, told = null) => {
        this.claimed.push(told);
        await this.claimGate;
        return call<Result<ClaimAnswer, Failure>>(
          'claim',
          () => {
            const scripted = this.claimAnswers.shift();
            if (scripted !== undefined) return scripted;
            const of = this.events.filter((e) => e.orderId === orderId).map((e) => e.kind);
            if (of.includes('order-delivered')) return err(failure('BILL-0106'));
            if (!of.includes('order-delivering')) return err(failure('BILL-0108'));
            if (kind === 'write' && this.refundClaims.has(orderId))
              return err(failure('BILL-0107'));
            if (kind === 'refund') this.refundClaims.add(orderId);
            return ok({ kind, ttlMs: 180_000, order: null, serverTimeMs: world.clock.nowMs() });
          },
          gone,
        );
      },
      myAccount: (asked) =>
        call<Awaited<ReturnType<BillingClient['myAccount']>>>(
          'my-account',
          () => ok(this.mine.look(asked, (cardNo) => this.accounts.get(cardNo)?.userNo)),
          gone,
        ),
      creditAccount: (userNo) =>
        call<Result<CreditAccount, Failure>>(
          'credit-account',
          () => this.credit.account(userNo, world.clock.nowMs()),
          gone,
        ),
      creditQuote: (r) =>
        call<Result<FirmCredit, Failure>>(
          'credit-quote',
          () => this.credit.quote(r, world.clock.nowMs()),
          gone,
        ),
      creditPost: (orderId, r) =>
        call<Result<CreditWord, Failure>>(
          'post',
          () => this.credit.post(orderId, r, world.clock.nowMs()),
          gone,
        ),
      creditVoid: (orderId) =>
        call<Result<CreditWord, Failure>>(
          'void',
          () => ok(this.credit.void(orderId, world.clock.nowMs())),
          gone,
        ),
      heartbeat: () => Promise.resolve(ok(undefined)),
      commands: () =>
        call<Result<CommandsAnswer, Failure>>(
          'commands',
          () => ok({ commands: this.commands, epoch: 1, serverTimeMs: world.clock.nowMs() }),
          gone,
        ),
      requests: {
        fullSlots: () =>
          call<Result<readonly Slot[], Failure>>('slots', () => ok(this.fullSlots), gone),
        status: (ref, last4) =>
          call<Result<RequestStatus | null, Failure>>(
            'request',
            () => ok(this.requests.get(`${ref} ${last4}`) ?? null),
            gone,
          ),
        sendSealed: (number, sealed) =>
          call<Result<void, Failure>>(
            'sealed',
            () => {
              this.sealed.push({ number, sealed });
              return ok(undefined);
            },
            gone,
          ),
      },
      requestEpoch: () => Promise.resolve(ok(null)),
      ordersByRef: () =>
        call<Result<readonly OrderStatus[], Failure>>('by-ref', () => ok(this.statuses), gone),
      ledger: (date) =>
        call<Result<readonly LedgerRow[], Failure>>('ledger', () => ok(this.ledger(date)), gone),
      upload: (r) =>
        call<UploadResult>(
          'upload',
          () => this.#upload(r),
          () => ({ kind: 'away', failure: failure('BILL-0101') }),
        ),
      policy: () => Promise.resolve(gone()),
      verifyPolicy: () => gone(),
      time: () => Promise.resolve(gone()),
    };
  }

  /** As central books it, from what was uploaded. */
  ledger(date: string): readonly LedgerRow[] {
    if (this.ledgerSays !== null) return this.ledgerSays;
    const kinds = {
      'order-paid': 'captured',
      'attempt-paid': 'captured-extra',
      'attempt-refunded': 'refunded',
    } as const;
    return this.events.flatMap((e): LedgerRow[] => {
      const kind = kinds[e.kind as keyof typeof kinds] as LedgerRow['kind'] | undefined;
      const body = e.body as { attemptId: string; amountFen: number; taken?: boolean };
      if (kind === undefined || body.taken === true || chinaDate(e.wallMs) !== date) return [];
      return [
        {
          kind,
          orderId: e.orderId ?? '',
          attemptId: body.attemptId,
          amountFen: body.amountFen,
          epoch: 1,
          seq: e.seq,
          atMs: e.wallMs,
        },
      ];
    });
  }

  #upload({
    events,
    fromSeq,
    prevHash,
  }: Pick<UploadRequest, 'events' | 'fromSeq' | 'prevHash'>): UploadResult {
    if (fromSeq > this.events.length + 1)
      return { kind: 'gap', expectedSeq: this.events.length + 1 };
    if (fromSeq > 1 && this.events[fromSeq - 2]?.hash !== prevHash)
      return { kind: 'fork', failure: failure('BILL-0104', `event ${fromSeq - 1}`) };
    for (const e of events) {
      const held = this.events[e.seq - 1];
      if (held !== undefined) {
        if (held.hash !== e.hash)
          return { kind: 'fork', failure: failure('BILL-0104', `event ${e.seq}`) };
        continue;
      }
      if (e.seq !== this.events.length + 1)
        return { kind: 'gap', expectedSeq: this.events.length + 1 };
      this.events.push(e);
      const orderId = e.orderId ?? '';
      if (e.kind === 'order-delivered') {
        const cardNo = this.#cardOf(orderId);
        const a = this.accounts.get(cardNo);
        const body = e.body as { quantity: number };
        if (a !== undefined)
          this.accounts.set(cardNo, {
            ...a,
            count: a.count + 1,
            cumulative: a.cumulative + body.quantity,
            yearQuantity: a.yearQuantity + body.quantity,
          });
      }
      if (e.kind === 'card-refused') {
        const { cardNo, left } = e.body as EventBody<'card-refused'>;
        const a = this.accounts.get(cardNo);
        if (a !== undefined) this.accounts.set(cardNo, { ...a, refusedKey: { left } });
      }
      if (e.kind === 'order-closed' && this.credit.orders.has(orderId))
        this.credit.void(orderId, 0);
      if (e.kind === 'order-delivered' || e.kind === 'order-closed' || e.kind === 'order-refunded')
        this.claims.delete(orderId);
    }
    const last = this.events.at(-1) as UploadEvent;
    return {
      kind: 'acked',
      answer: {
        ackSeq: last.seq,
        ackHash: last.hash,
        serverTimeMs: 0,
        nextUploadAfterMs: 100,
        quarantined: [],
      },
    };
  }
  #cardOf(orderId: string): string {
    const quoted = this.events.find((e) => e.kind === 'order-quoted' && e.orderId === orderId);
    return (quoted?.body as { cardNo?: string } | undefined)?.cardNo ?? '';
  }
}

/**
 * The slot in the machine's front and what is in it. A new process counts its insertions from the
 * start, as a real one does.
 */
class CardSlot {
  card: SlotCard | null = null;
  mute = false;
  /** A motor reader's; taken by the next start. */
  motor: Motor | null = null;
  /** The card that is in is held out at its gate, over the end of a process too. */
  #heldOut = false;
  #status: ReaderStatus = { state: 'empty', insertion: 0 };
  #listeners: ((s: ReaderStatus) => void)[] = [];
  #insertion = 0;

  insert(card: SlotCard): void {
    this.card = card;
    this.#heldOut = false;
    card.insert();
    this.#insertion += 1;
    this.#set({
      state: 'present',
      insertion: this.#insertion,
      atr: card instanceof CpuCard ? card.atr : (card.answerToReset() ?? new Uint8Array(0)),
    });
  }
  /** Arms a fault of the CPU card that is in. */
  arm(fault: CardFault): void {
    if (this.card instanceof CpuCard) this.card.arm(fault);
  }
  remove(): void {
    this.card?.remove();
    this.card = null;
    this.#set({ state: 'empty', insertion: this.#insertion });
  }
  /** The reader is lost, or comes back with whatever is in it. */
  offline(lost: boolean): void {
    if (lost)
      this.#set({ state: 'offline', insertion: this.#insertion, failure: failure('CARD-0107') });
    else if (this.card === null) this.#set({ state: 'empty', insertion: this.#insertion });
    else this.insert(this.card);
  }
  #set(status: ReaderStatus): void {
    this.#status = status;
    for (const l of this.#listeners) queueMicrotask(() => l(status));
  }

  reader(world: World, life: Life): CardReader {
    this.#listeners = [];
    this.#insertion = 0;
    this.#status = { state: 'empty', insertion: 0 };
    if (this.card !== null && this.#heldOut) this.#set({ state: 'leaving', insertion: 0 });
    else if (this.card !== null) this.insert(this.card);
    const live = (insertion: number): Failure | null =>
      this.#status.state === 'present' && this.#status.insertion === insertion
        ? null
        : failure('CARD-0102', `insertion ${insertion} is over`);
    const exchange = async (
      insertion: number,
      raw: Uint8Array,
    ): Promise<Result<Uint8Array, Failure>> => {
      if (!life.alive || world.at(life, `apdu ${raw[1]?.toString(16)}`, 'before')) return never();
      const broken = live(insertion);
      if (broken !== null) return err(broken);
      const outcome = (this.card as SlotCard).process(raw);
      if (outcome.kind === 'torn') this.remove();
      if (!life.alive || world.at(life, `apdu ${raw[1]?.toString(16)}`, 'after')) return never();
      await Promise.resolve();
      if (!life.alive) return never();
      return outcome.kind === 'answer'
        ? ok(outcome.bytes)
        : err(failure(outcome.kind === 'torn' ? 'CARD-0102' : 'CARD-0108'));
    };
    const channel = (insertion: number): CardChannel => ({
      insertion,
      memory: pcscMemoryPort(ACS_CCID, (raw) => exchange(insertion, raw)),
      mifare: pcscMifarePort('', (raw) => exchange(insertion, raw)),
      transmit: (apdu) => transmitT0(apdu, (raw) => exchange(insertion, raw)),
      reset: async () => {
        if (!life.alive) return never();
        const broken = live(insertion);
        if (broken !== null) return err(broken);
        const atr = (this.card as SlotCard).reset();
        await Promise.resolve();
        return atr === null ? err(failure('CARD-0101')) : ok(atr);
      },
    });
    return {
      id: 'slot',
      name: () => 'slot',
      status: () => this.#status,
      onStatus: (listener) => {
        this.#listeners.push(listener);
        return () => undefined;
      },
      open: channel,
      ...(this.motor === null ? {} : { gate: this.#gate(this.motor) }),
      close: () => Promise.resolve(),
    };
  }

  #gate(motor: Motor): CardGate {
    return {
      accept: (on) => {
        motor.accepting = on;
        return Promise.resolve(ok(undefined));
      },
      eject: () => {
        motor.ejected.push(this.#insertion);
        if (motor.jams > 0) {
          motor.jams -= 1;
          return Promise.resolve(err(failure('CARD-0111')));
        }
        this.#heldOut = true;
        this.#set({ state: 'leaving', insertion: this.#insertion });
        return Promise.resolve(ok(undefined));
      },
      capture: () => {
        if (motor.bin === undefined) return Promise.resolve(err(failure('CARD-0107', 'no bin')));
        if (motor.bin.length >= (motor.room ?? 20)) {
          const full = failure('CARD-0111', 'bin full');
          this.#set({ state: 'mute', insertion: this.#insertion, failure: full });
          return Promise.resolve(err(full));
        }
        if (this.card !== null) motor.bin.push(this.card);
        this.remove();
        return Promise.resolve(ok(undefined));
      },
    };
  }
}

/** What a motor reader was told. */
export interface Motor {
  accepting: boolean | null;
  /** Insertions that were told to leave, each time. */
  readonly ejected: number[];
  /** So often it does not move. */
  jams: number;
  /** Cards that were taken in, and how many may be; left out: it has no bin. */
  readonly bin?: SlotCard[];
  room?: number;
}

export interface CrashPlan {
  /** The n-th instrumented point, counted from 1, is where the process ends. */
  readonly at: number;
}

/**
 * A whole kiosk in virtual time: the real kiosk, journal, card layout, keys, chip and uploader;
 * provider and central in memory. `kill` drops the process; `start` opens a new one on the same
 * files.
 */
export class World {
  readonly terminalId: string;
  /** `collectsFor` of terminal.json. */
  collectsFor: readonly string[] = ['house', 'water', 'heat'];
  readonly clock: ManualClock;
  readonly folder = scratchFolder();
  pay = new PaymentBooks();
  readonly central = new CentralBooks();
  readonly slot = new CardSlot();
  readonly cards = new Map<string, CpuCard>();
  readonly printed: string[] = [];
  /** The codes on its slips. */
  readonly codes: string[] = [];
  /** Taken by the next start; null: it signs none. */
  receiptToken: ((orderId: string) => string) | null = null;
  readonly screens: string[] = [];
  readonly problems: string[] = [];
  printerOk = true;
  /** The paper ends in the middle of each slip. */
  printsPartly = false;
  #registry = new DeviceRegistry([]);
  /** What devices say that this world has no bytes for; told with the next `setService` of them. */
  also: readonly NamedReport[] = [];
  /** Every instrumented point passed, for the record. */
  points: string[] = [];
  plan: CrashPlan | null = null;
  crashed: string | null = null;
  policy: HeldPolicy = POLICY;
  /** Taken out of the configuration; taken by the next start. */
  providerGone = false;
  /** The configured providers, and which of them take the customer's code. */
  payWith: { readonly kind: ProviderKind; readonly codes: boolean }[] = [
    { kind: 'wechat', codes: false },
  ];
  /** Instead of PL-CPU alone: taken by the next start. */
  layouts: readonly CardLayout[] | null = null;
  /**
   * Instead of {@link pay}, whose books then stay empty (what {@link moneyProblems} says is void):
   * taken by the next start.
   */
  providers: readonly PaymentProvider[] | null = null;
  /** Instead of {@link central}: taken by the next start. */
  billing: BillingClient | null = null;
  /** The card keys, as this sees them; taken by the next start. */
  keys: (sample: KeyProvider) => KeyProvider = (sample) => sample;
  /** A fork is what the test is about; else it is a problem. */
  onFork: ((f: Failure) => void) | null = null;
  /** Called with each screen that is shown. */
  onShow: ((s: Snapshot) => void) | null = null;
  /** Taken by the next start. */
  maintenance: MaintenancePorts | null = null;
  /** What hardware the kiosk wants now. */
  needs: Needs = { card: 'out', scanner: false };
  readonly #pumps = new Map<string, Pump>();
  #cumulativeAtStart = new Map<string, { count: number; cumulative: number }>();
  #life = new Life();
  #kiosk: Kiosk | null = null;
  #journal: Journal | null = null;
  #uploader: Uploader | null = null;
  #boots = 0;
  #tornTail: number | null = null;
  #snapshot: Snapshot | null = null;

  /** @param beside another kiosk of the same town, under the same clock: this one is its neighbour */
  constructor(ids: readonly string[] = ['golden', 'good', 'water'], beside: World | null = null) {
    this.terminalId = beside === null ? TERMINAL : NEIGHBOUR;
    this.clock = beside?.clock ?? new ManualClock(T0);
    for (const id of ids) {
      this.cards.set(id, worldCard(id).make());
      this.central.addCard(id);
    }
    this.#noteCards();
  }

  /** A card changed before the test begins, e.g. one with another key. */
  replaceCard(id: string, change: Partial<CpuCardState>): void {
    this.cards.set(
      id,
      new CpuCard({ ...worldCard(id).make().toJSON(), ...change }, counterRandom(7)),
    );
    this.#noteCards();
  }
  #noteCards(): void {
    for (const id of this.cards.keys()) this.#cumulativeAtStart.set(id, this.purchase(id));
  }
  card(id: string): CpuCard {
    const card = this.cards.get(id);
    if (card === undefined) throw new Error(`no card ${id}`);
    return card;
  }
  purchase(id: string): { count: number; cumulative: number } {
    const { purse } = this.card(id);
    const meter = PurseMeter.ofCard(this.card(id), 0)?.state();
    if (purse !== null) {
      const spent = meter === undefined ? this.pump(id).state().used : meter.remaining + meter.used;
      return { count: purse.state.onlineSeq, cumulative: purse.state.balance + spent };
    }
    const b = this.card(id).peek('17') as Uint8Array;
    const v = new DataView(b.buffer, b.byteOffset);
    return { count: v.getUint16(0), cumulative: v.getUint32(6) };
  }

  /** Is there a process? */
  get alive(): boolean {
    return this.#life.alive;
  }
  get journal(): Journal {
    if (this.#journal === null) throw new Error('no process');
    return this.#journal;
  }
  get kiosk(): Kiosk {
    if (this.#kiosk === null) throw new Error('no process');
    return this.#kiosk;
  }
  get snapshot(): Snapshot {
    if (this.#snapshot === null) throw new Error('nothing shown');
    return this.#snapshot;
  }
  get screen(): string {
    return this.#snapshot?.screen ?? 'none';
  }
  shown<S extends Snapshot['screen']>(screen: S): SnapshotOf<S> {
    if (this.snapshot.screen !== screen)
      throw new Error(`the screen is ${this.describe()}, not ${screen}`);
    return this.snapshot as SnapshotOf<S>;
  }
  describe(): string {
    const { header: _header, ...rest } = this.snapshot;
    return JSON.stringify(rest);
  }

  /** True: the process ended here. */
  at(life: Life, name: string, cut: Cut): boolean {
    if (!life.alive) return true;
    this.points.push(`${cut} ${name}`);
    if (this.plan === null || this.plan.at !== this.points.length) return false;
    this.crashed = `${cut} ${name}`;
    this.kill();
    return true;
  }

  /** The process is gone, now: nothing of it runs any more. */
  kill(): void {
    this.#life.alive = false;
    this.plan = null;
    this.#kiosk?.stop();
    this.#uploader?.stop();
  }

  async start(): Promise<void> {
    await this.#flush();
    this.#life.alive = false;
    // The shell waits before it starts a core again.
    if (this.#boots > 0) this.clock.advance(250);
    this.#kiosk?.stop();
    this.#uploader?.stop();
    this.#journal?.close();
    if (this.#tornTail !== null)
      truncateSync(SecondLog.path(join(this.folder, 'second'), 1), this.#tornTail);
    this.#tornTail = null;
    this.#boots += 1;
    const life = new Life();
    this.#life = life;
    const where = this.terminalId === TERMINAL ? '' : ` of ${this.terminalId}`;
    const random = seededRandom(`boot ${this.#boots}${where}`);
    const opened = Journal.open({
      dataDir: join(this.folder, 'data'),
      secondPath: join(this.folder, 'second'),
      terminalId: this.terminalId,
      clock: this.clock,
      random,
      onFatal: (f) => this.problems.push(`fatal ${f.code}`),
    });
    if (!opened.ok)
      throw new Error(
        `the journal does not open: ${opened.error.code} ${opened.error.detail ?? ''}`,
      );
    const journal = opened.value;
    this.#journal = journal;
    this.#instrument(journal, life);
    try {
      journal.append([
        {
          kind: 'core-started',
          orderId: null,
          body: { version: 'test', node: 'test', recoveredOrders: journal.openOrders().length },
        },
      ]);
    } catch (error) {
      if (error instanceof Crash) return;
      throw error;
    }
    const sample = sampleKeyProvider('demo');
    if (!sample.ok) throw new Error('no keys');
    const keys = this.keys(sample.value);
    const billing = this.billing ?? this.central.client(this, life);
    const printer: Printer = {
      status: () => Promise.resolve(printerStatus(this.printerOk)),
      print: (lines) => {
        this.codes.push(...lines.flatMap((l) => (l.kind === 'qr' ? [l.text] : [])));
        this.printed.push(
          lines
            .map((l) =>
              l.kind === 'text' ? l.text : l.kind === 'pair' ? `${l.label} ${l.value}` : '',
            )
            .join('\n'),
        );
        if (this.printsPartly) return Promise.resolve(err(failure('DEV-0102', 'paper end')));
        return Promise.resolve(this.printerOk ? ok(undefined) : err(failure('DEV-0101')));
      },
      onStatus: () => () => undefined,
      close: () => Promise.resolve(),
    };
    const reader = this.slot.reader(this, life);
    const devices = machineDevices({
      reader,
      printer,
      scanner: 'keyboard',
      terminalId: this.terminalId,
      clock: this.clock,
    });
    this.#registry = devices;
    const uploader = new Uploader({
      journal,
      billing,
      clock: this.clock,
      random,
      log: () => undefined,
      onReach: () => undefined,
      onFork: (f) =>
        this.onFork === null ? this.problems.push(`fork ${f.detail ?? ''}`) : this.onFork(f),
      onHeard: (how) => life.alive && this.#kiosk?.heard(how),
    });
    this.#uploader = uploader;
    this.#kiosk = new CrashableKiosk({
      clock: this.clock,
      random,
      journal,
      reader,
      layouts: layoutRegistry(
        this.layouts ?? [
          plCpuLayout(keys),
          ...[plPurseLayout, plFuelLayout].map((layout) =>
            layout(keys, { terminalId: this.terminalId, nowMs: () => this.clock.nowMs() }),
          ),
        ],
      ),
      providers:
        this.providers !== null
          ? [...this.providers]
          : this.providerGone
            ? []
            : this.payWith.map(({ kind, codes }) => this.pay.provider(this, life, kind, codes)),
      billing,
      printer,
      devices,
      header: {
        brand: { zh: '阜城燃气', en: 'Gas' },
        site: { zh: '', en: '' },
        terminalName: { zh: '03号机', en: 'No. 3' },
        terminalId: this.terminalId,
        panel: null,
      },
      demo: false,
      collectsFor: this.collectsFor,
      fallbackHotline: '',
      log: () => undefined,
      onSnapshot: (s) => {
        if (life.alive) this.#show(s);
      },
      onNeeds: (needs) => {
        this.needs = needs;
      },
      onJournaled: () => uploader.kick(),
      onCommandsWanted: () => undefined,
      onForgotten: () => uploader.sayHead(),
      ...(this.receiptToken === null ? {} : { receiptToken: this.receiptToken }),
      ...(this.maintenance === null ? {} : { maintenance: this.maintenance }),
    });
    const told = (): void => {
      if (life.alive) this.#kiosk?.setService({ devices: this.devices() });
    };
    for (const device of devices) device.onChange(told);
    this.#kiosk.setService({
      policy: this.policy,
      lineUp: true,
      centralUp: true,
      devices: this.devices(),
    });
    this.#kiosk.releaseInterrupted();
    uploader.kick();
    await this.#flush();
  }

  #instrument(journal: Journal, life: Life): void {
    const append = journal.append.bind(journal);
    journal.append = (events) => {
      if (!life.alive) throw new Crash();
      const name = events.map((e) => e.kind).join('+');
      if (this.at(life, name, 'before')) throw new Crash();
      const log = SecondLog.path(join(this.folder, 'second'), 1);
      const size = statSync(log).size;
      append(events);
      if (this.at(life, name, 'after')) throw new Crash();
      if (this.at(life, name, 'torn')) {
        // A part of the batch's first line is all that reached the second log.
        this.#tornTail = size + 11;
        throw new Crash();
      }
    };
  }

  #show(s: Snapshot): void {
    this.onShow?.(s);
    const parsed = snapshotSchema.safeParse(s);
    if (!parsed.success)
      this.problems.push(
        `snapshot ${s.screen}: ${parsed.error.issues.map((i) => `${i.path.join('.')} ${i.message}`).join('; ')}`,
      );
    if (this.#snapshot !== null && s.revision <= this.#snapshot.revision)
      this.problems.push(`revision ${s.revision} after ${this.#snapshot.revision}`);
    if (s.screen === 'start' && this.slot.card !== null && this.kiosk !== null)
      this.problems.push('the start screen with a card in the slot');
    if (this.screens.at(-1) !== s.screen) this.screens.push(s.screen);
    this.#snapshot = s;
  }

  /** What the devices say: the reader as it is, the others as told. */
  devices({
    scanner = this.payWith.some((p) => p.codes),
    paperLow = false,
  }: { scanner?: boolean; paperLow?: boolean } = {}): readonly NamedReport[] {
    const printed = printerReport({ ...printerStatus(this.printerOk), paperLow });
    return this.#registry
      .reports()
      .filter((d) => d.id !== 'scanner' || scanner)
      .map((d) => (d.id === 'printer' ? { ...d, ...printed } : d))
      .concat(this.also);
  }

  setService(change: Partial<ServiceState>): void {
    this.kiosk.setService(change);
  }

  /** Everything that is due now has run. */
  async #flush(): Promise<void> {
    for (let i = 0; i < 2; i++) await new Promise<void>((done) => setImmediate(done));
  }
  /** Virtual time goes on. */
  async run(ms: number, stepMs = ms > 600_000 ? 10_000 : 250): Promise<void> {
    await this.#flush();
    for (let gone = 0; gone < ms; gone += stepMs) {
      this.clock.advance(Math.min(stepMs, ms - gone));
      await this.#flush();
    }
  }
  async until(what: string, look: () => boolean, limitMs = 200_000): Promise<void> {
    await this.#flush();
    for (let gone = 0; !look(); gone += 250) {
      if (gone >= limitMs)
        throw new Error(
          `${what}: not after ${limitMs} ms; screen ${this.describe()}, orders ${JSON.stringify(this.journal.orders().map((o) => [o.state, ...this.journal.attemptsOf(o.orderId).map((a) => a.state)]))}`,
        );
      this.clock.advance(250);
      await this.#flush();
    }
  }
  untilScreen(screen: string, limitMs = 200_000): Promise<void> {
    return this.until(`screen ${screen}`, () => this.screen === screen, limitMs);
  }

  async insert(id: string): Promise<void> {
    this.slot.insert(this.card(id));
    await this.#flush();
  }
  /** At home: the meter takes what is on the card, and uses it up. */
  visitMeter(id: string): void {
    if (this.slot.card === this.card(id)) throw new Error('the card is in the kiosk');
    const meter = PurseMeter.ofCard(this.card(id), 100_000) ?? Meter.ofCard(this.card(id), 100_000);
    meter?.visit(this.card(id), '2611221200');
    meter?.consume(meter.state().remaining);
    meter?.visit(this.card(id), '2611221201');
  }
  /** The pump at which a refuelling card pays. */
  pump(id: string): Pump {
    const pump = this.#pumps.get(id) ?? new Pump(this.card(id));
    this.#pumps.set(id, pump);
    return pump;
  }
  /** At home: the meter writes back that this is wrong with it. */
  meterFaults(id: string, faults: number, valveClosed: boolean): void {
    const state = Meter.ofCard(this.card(id), 100_000)?.state();
    if (state === undefined) throw new Error(`${id} has no meter`);
    const area = meterAreaHex({ ...state, faults, valveClosed }, '2611221202');
    this.card(id).poke('1A', Buffer.from(area, 'hex'));
  }
  /** A code in front of the scanner. */
  async scan(code: string): Promise<void> {
    this.kiosk.scanned(code);
    await this.#flush();
  }
  async remove(): Promise<void> {
    this.slot.remove();
    await this.#flush();
  }
  /** A tap on the screen as it is shown now. */
  async tap(
    type: Intent['type'],
    value?: string | number,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    this.kiosk.intent({
      type,
      screen: this.screen,
      revision: this.snapshot.revision,
      ...(value === undefined ? {} : { value }),
      ...more,
    } as Intent);
    await this.#flush();
  }
  /** A user number typed, and its account agreed to be the customer's. */
  async toAccount(service: 'top-up' | 'bills', userNo: string): Promise<void> {
    await this.tap('open', service);
    await this.tap('enter-user-no', userNo);
    await this.untilScreen('is-it-you');
    await this.tap('its-me');
  }
  /** From the start screen to the shown QR code of an IoT meter's top-up. */
  async toCreditPay(userNo: string, fen = 10_000): Promise<void> {
    await this.toAccount('top-up', userNo);
    await this.tap('choose-amount', fen);
    await this.tap('pay', fen);
    await this.untilCode();
  }
  untilCode(): Promise<void> {
    return this.until(
      'the code',
      () => this.screen === 'pay' && this.shown('pay').state === 'waiting',
    );
  }
  async toAmount(card: string): Promise<void> {
    await this.insert(card);
    await this.untilScreen('amount');
  }
  /** From an empty slot to the shown QR code. */
  async toPay(card = 'golden', fen = 10_000): Promise<void> {
    await this.toAmount(card);
    await this.tap('choose-amount', fen);
    await this.until('a quote', () => this.shown('amount').quote !== null);
    await this.tap('pay', fen);
    // Where no slip can be printed the customer agrees to that first.
    if (this.screen === 'no-slip') await this.tap('pay', fen);
    await this.until(
      'the code',
      () => this.screen === 'pay' && this.shown('pay').state === 'waiting',
    );
  }

  order(): OrderRow {
    const order = this.journal
      .orders()
      .toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1))
      .at(-1);
    if (order === undefined) throw new Error('no order');
    return order;
  }
  attempts(): AttemptRow[] {
    return this.journal.orders().flatMap((o) => this.journal.attemptsOf(o.orderId));
  }
  attempt(): AttemptRow {
    const a = this.journal.attemptsOf(this.order().orderId).at(-1);
    if (a === undefined) throw new Error('no attempt');
    return a;
  }
  state(): string {
    return `${this.order().state}/${this.attempt().state}`;
  }
  kinds(): string[] {
    return readFileSync(SecondLog.path(join(this.folder, 'second'), 1), 'utf8')
      .trimEnd()
      .split('\n')
      .map((l) => (JSON.parse(l.slice(9)) as { kind: string }).kind);
  }

  /** Nothing is left to do for any order. */
  settled(): boolean {
    return this.journal
      .orders()
      .every(
        (o) =>
          ['delivered', 'refunded', 'closed', 'parked'].includes(o.state) &&
          this.journal
            .attemptsOf(o.orderId)
            .every(
              (a) =>
                ['closed', 'refunded', 'parked'].includes(a.state) ||
                (a.state === 'paid' && a.taken === true),
            ),
      );
  }

  /**
   * The one promise: what was captured is delivered, refunded, parked or still open; attempt by
   * attempt, and on the card. @returns what is wrong
   */
  moneyProblems(): string[] {
    const wrong = [...this.problems];
    const delivered = new Map<string, { count: number; quantity: number; doubtful: number }>();
    const numbers = new Set<string>();
    for (const order of this.journal.orders()) {
      const attempts = this.journal.attemptsOf(order.orderId);
      const sum = { captured: 0, delivered: 0, refunded: 0, parked: 0, open: 0 };
      for (const a of attempts) {
        numbers.add(a.outTradeNo);
        const trade = this.pay.trades.get(a.outTradeNo);
        const reversed = trade?.reversedFen ?? 0;
        const captured = (trade?.capturedFen ?? 0) - reversed;
        const refunds = [...(trade?.refunds.values() ?? [])];
        const refunded = refunds.reduce((n, r) => n + r.fen, 0);
        const say = (text: string): number =>
          wrong.push(`${a.attemptId} (${order.state}/${a.state}): ${text}`);
        if (captured > a.amountFen) say(`captured ${captured} of ${a.amountFen}`);
        if (reversed > 0 && a.state !== 'closed' && a.state !== 'closing')
          say('reversed, though it counts');
        if (refunds.length > 1) say(`${refunds.length} refunds`);
        if (refunded > captured) say(`refunded ${refunded} of ${captured}`);
        if ([...(trade?.refunds.keys() ?? [])].some((n) => n !== a.outRefundNo))
          say('refunded under another number');
        if (refunds.length > 0 && !['refunding', 'refunded', 'parked'].includes(a.state))
          say('refunded without its fact');
        if (order.state === 'delivered' && order.paidBy === a.attemptId && refunds.length > 0)
          say('delivered and refunded');
        sum.captured += captured;
        if (a.state === 'refunded') {
          if (refunded !== captured || refunds.some((r) => r.state !== 'done'))
            say('the books do not show its refund');
          sum.refunded += captured;
        } else if (
          a.state === 'parked' ||
          (order.state === 'parked' && order.paidBy === a.attemptId)
        )
          sum.parked += captured;
        else if (order.state === 'delivered' && order.paidBy === a.attemptId)
          sum.delivered += captured;
        else sum.open += captured;
        if (a.state === 'paid' && captured === 0) say('paid without a capture');
      }
      if (sum.captured !== sum.delivered + sum.refunded + sum.parked + sum.open)
        wrong.push(`${order.orderId}: ${JSON.stringify(sum)}`);
      if (order.state === 'delivered' && sum.delivered !== order.sale.amountFen)
        wrong.push(`${order.orderId}: delivered for ${sum.delivered} fen`);
      if (order.sale.kind === 'credit') {
        wrong.push(...this.#creditProblems(order));
        continue;
      }
      const d = delivered.get(cardSaleOf(order).cardNo) ?? { count: 0, quantity: 0, doubtful: 0 };
      if (order.state === 'delivered') {
        d.count += 1;
        d.quantity += cardSaleOf(order).quantity;
      }
      if (order.state === 'delivering' || order.state === 'in-doubt')
        d.doubtful += cardSaleOf(order).quantity;
      delivered.set(cardSaleOf(order).cardNo, d);
    }
    for (const trade of this.pay.trades.values())
      if (!numbers.has(trade.outTradeNo))
        wrong.push(`the provider has ${trade.outTradeNo}, the journal has not`);
    for (const [id, start] of this.#cumulativeAtStart) {
      const now = this.purchase(id);
      const d = delivered.get(worldCard(id).cardNo ?? '') ?? { count: 0, quantity: 0, doubtful: 0 };
      const rise = now.cumulative - start.cumulative;
      const fits = rise === d.quantity && now.count - start.count === d.count;
      const fitsDoubt =
        d.doubtful > 0 &&
        rise === d.quantity + d.doubtful &&
        now.count - start.count === d.count + 1;
      if (!fits && !fitsDoubt)
        wrong.push(
          `card ${id}: cumulative rose by ${rise}, delivered ${d.quantity} (doubtful ${d.doubtful}); count by ${now.count - start.count}`,
        );
    }
    return wrong;
  }

  /** Delivered and posted are the same, and so are money back and central's final no. */
  #creditProblems(order: OrderRow): string[] {
    const wrong: string[] = [];
    const kept = this.central.credit.orders.get(order.orderId);
    const word = kept?.word?.state ?? null;
    const paid = this.journal.attemptsOf(order.orderId).find((a) => a.attemptId === order.paidBy);
    const say = (text: string): number =>
      wrong.push(`${order.orderId} (${order.state}, ${word ?? 'no word'}): ${text}`);
    if (order.state === 'delivered' && word !== 'posted') say('delivered, and not posted');
    if (order.state === 'delivered' && kept?.quote?.amountFen !== order.sale.amountFen)
      say('posted with another sum');
    if (word === 'posted' && ['refunding', 'refunded', 'closed'].includes(order.state))
      say('posted, and the money goes back');
    if (word === 'posted' && (paid === undefined || paid.taken !== true)) say('posted unpaid');
    if (['refunding', 'refunded'].includes(order.state) && word !== 'refused' && word !== 'void')
      say('the money goes back without central’s word');
    return wrong;
  }

  /** Ends the process in order and checks its files. @returns what is wrong */
  async close(): Promise<string[]> {
    await this.#flush();
    const wrong = this.#journal === null ? [] : this.moneyProblems();
    this.kill();
    await this.#flush();
    this.#journal?.close();
    this.#journal = null;
    const report = verifyJournal(join(this.folder, 'data'), join(this.folder, 'second'));
    rmSync(this.folder, { recursive: true, force: true });
    return [...wrong, ...report.problems];
  }
}
