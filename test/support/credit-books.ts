import type {
  Correction,
  CreditAccount,
  CreditItem,
  CreditPostRequest,
  CreditQuoteRequest,
  CreditRefusal,
  CreditWord,
  FirmCredit,
} from '../../src/shared/central-api/index.ts';
import { failure } from '../../src/shared/errors.ts';
import type { Failure } from '../../src/shared/errors.ts';
import type { CreditPolicy } from '../../src/shared/policy-credit.ts';
import { err, ok } from '../../src/shared/result.ts';
import type { Result } from '../../src/shared/result.ts';
import { DAY_MS } from '../../src/shared/time.ts';

/** What this town's hall sells without a card. */
export const CREDIT_POLICY: CreditPolicy = {
  payees: [
    { id: 'house', company: { zh: '阜城燃气', en: 'Fucheng Gas' } },
    { id: 'water', company: { zh: '阜城水务', en: 'Fucheng Water' } },
    { id: 'heat', company: { zh: '阜城热力', en: 'Fucheng Heating' } },
  ],
  userNo: { digits: 10, hint: { zh: '印在缴费单右上角。', en: 'At the top right of the bill.' } },
  lookUps: 5,
  topUp: { presetsFen: [5_000, 10_000, 20_000], minFen: 1_000, maxFen: 100_000 },
  bills: {
    kinds: ['gas', 'water', 'heat'],
    part: { minFen: 1_000 },
    prepay: { presetsFen: [5_000, 10_000], minFen: 1_000, maxFen: 50_000 },
  },
  texts: [
    {
      id: 'heat-contract',
      version: 3,
      title: { zh: '供用热合同要点', en: 'Heat supply contract' },
      points: [
        { zh: '供热期 11 月 15 日至次年 3 月 15 日。', en: 'From 15 November to 15 March.' },
        { zh: '室温低于规定可申请测温。', en: 'Rooms too cold are measured on request.' },
      ],
    },
  ],
};

export const bill = (
  item: string,
  kind: CreditItem['kind'],
  payee: string,
  principalFen: number,
  more: Partial<CreditItem> = {},
): CreditItem => {
  const { lateFeeFen = 0, discountFen = 0 } = more;
  return {
    item,
    kind,
    payee,
    period: '2026-10',
    principalFen,
    lateFeeFen,
    discountFen,
    dueFen: principalFen + lateFeeFen - discountFen,
    dueDate: '2026-11-20',
    overdueDays: 0,
    details: [],
    consentText: null,
    ...more,
  };
};

/** Gas and water owed by one household; heating by another; an IoT meter. */
export const HOUSEHOLD = '1002200331';
export const HEATED = '1002200332';
export const IOT = '1002200333';
/** Bills come to it, and none is open. */
export const AHEAD = '1002200334';

interface Kept {
  readonly quote: Omit<FirmCredit, 'grant'> | null;
  word: CreditWord | null;
}
/**
 * What happens to the next posting: `lost` its effect but no answer, `unsent` neither, `posting` it
 * is under way at the company, `not-proven` its payment is not known yet; else a final refusal.
 */
export type PostMishap = 'lost' | 'unsent' | 'posting' | 'not-proven' | CreditRefusal;

/** Central's account book, in memory: it outlives every kiosk. */
const isPart = (quote: Kept['quote'], item: string): boolean =>
  quote?.lines.some((l) => l.item === item && l.restFen !== undefined) === true;

export class CreditBooks {
  readonly accounts = new Map<string, { items: CreditItem[]; balanceFen: number | null }>([
    [
      HOUSEHOLD,
      {
        balanceFen: null,
        items: [
          bill('G-09', 'gas', 'house', 5_012, { lateFeeFen: 58, overdueDays: 12 }),
          bill('G-10', 'gas', 'house', 9_010),
          bill('W-10', 'water', 'water', 4_560),
        ],
      },
    ],
    [
      HEATED,
      {
        balanceFen: null,
        items: [bill('H-26', 'heat', 'heat', 241_250, { consentText: 'heat-contract' })],
      },
    ],
    [IOT, { balanceFen: -1_234, items: [] }],
    [AHEAD, { balanceFen: 300, items: [] }],
  ]);
  readonly orders = new Map<string, Kept>();
  readonly next: PostMishap[] = [];
  /** How long a quote counts. */
  quoteMs = DAY_MS / 48;
  /** The hash of the contract's words that hold at central; null: whatever was ticked. */
  contract: string | null = null;
  /** What the company corrected, by user number. */
  readonly corrections = new Map<string, Correction[]>();
  /** How often each order was asked to be posted. */
  readonly posts = new Map<string, number>();
  /** What every posting asked for carried. */
  readonly asked: CreditPostRequest[] = [];
  #postings = 0;

  account(userNo: string, nowMs: number): Result<CreditAccount, Failure> {
    const a = this.accounts.get(userNo);
    if (a === undefined) return err(failure('SALE-0119'));
    const { balanceFen } = a;
    const free = a.items.filter((i) => !this.#isTaken(i.item, ''));
    return ok({
      userNo,
      holderName: '李*华',
      address: '清河路***号',
      topUp:
        balanceFen === null || userNo === AHEAD
          ? null
          : { payee: 'house', meterNo: '0000157733', balanceFen, onTheWayFen: 0 },
      ...(balanceFen !== null && userNo === AHEAD
        ? { prepay: { payee: 'house', balanceFen } }
        : {}),
      items: free,
      underWay: a.items.length - free.length,
      ...(this.corrections.has(userNo) ? { corrections: this.corrections.get(userNo) ?? [] } : {}),
      asOfMs: nowMs,
    });
  }

  /** Does another order hold this item, or did it pay it? */
  #isTaken(item: string, orderId: string): boolean {
    return [...this.orders].some(
      ([id, o]) =>
        id !== orderId &&
        (o.quote?.lines.some((l) => l.item === item && item !== 'balance') ?? false) &&
        (o.word === null || (o.word.state === 'posted' && !isPart(o.quote, item))),
    );
  }

  quote(r: CreditQuoteRequest, nowMs: number): Result<FirmCredit, Failure> {
    const a = this.accounts.get(r.userNo);
    if (a === undefined) return err(failure('SALE-0119'));
    if (this.orders.get(r.orderId)?.word != null) return err(failure('BILL-0102'));
    if (this.contract !== null && r.consent?.sha256 !== this.contract)
      return err(failure('SALE-0124'));
    const { userNo } = r;
    const lines = r.lines.flatMap((line): FirmCredit['lines'] => {
      const { item, amountFen } = line;
      if (item === 'balance') {
        const terms = { principalFen: amountFen, lateFeeFen: 0, discountFen: 0 };
        return a.balanceFen === null
          ? []
          : [{ item, kind: userNo === AHEAD ? 'prepay' : 'balance', period: '', amountFen, terms }];
      }
      const i = a.items.find((one) => one.item === item && one.payee === r.payee);
      if (i === undefined || this.#isTaken(item, r.orderId)) return [];
      const { principalFen, lateFeeFen, discountFen, kind, period } = i;
      if (line.part === true) {
        const paid = amountFen - lateFeeFen;
        const terms = { principalFen: paid, lateFeeFen, discountFen: 0 };
        return [{ item, kind, period, amountFen, terms, restFen: principalFen - paid }];
      }
      if (i.dueFen !== amountFen) return [];
      return [{ item, kind, period, amountFen, terms: { principalFen, lateFeeFen, discountFen } }];
    });
    if (lines.length !== r.lines.length) return err(failure('SALE-0120'));
    const { orderId, payee } = r;
    const quote = {
      orderId,
      userNo,
      payee,
      lines,
      amountFen: lines.reduce((sum, l) => sum + l.amountFen, 0),
      expiresAtMs: nowMs + this.quoteMs,
    };
    this.orders.set(orderId, { quote, word: null });
    return ok({ ...quote, grant: `quote.${orderId}` });
  }

  post(orderId: string, request: CreditPostRequest, nowMs: number): Result<CreditWord, Failure> {
    this.asked.push(request);
    this.posts.set(orderId, (this.posts.get(orderId) ?? 0) + 1);
    const mishap = this.next.shift();
    const lost = err(failure('BILL-0101', 'no answer'));
    if (mishap === 'unsent') return lost;
    const kept = this.orders.get(orderId);
    if (kept?.word != null) return ok(kept.word);
    if (mishap === 'posting') return ok({ state: 'posting', serverTimeMs: nowMs });
    if (mishap === 'not-proven' || request.evidence === null) return err(failure('BILL-0111'));
    if (kept === undefined || kept.quote === null) return err(failure('BILL-0102', 'no quote'));
    const refused = mishap !== undefined && mishap !== 'lost' ? mishap : null;
    kept.word =
      refused === null
        ? {
            state: 'posted',
            reference: `P${(this.#postings += 1)}`,
            postedMs: nowMs,
            grant: `credit.${orderId}`,
            serverTimeMs: nowMs,
          }
        : { state: 'refused', why: refused, grant: `void.${orderId}`, serverTimeMs: nowMs };
    const account = this.accounts.get(kept.quote.userNo);
    for (const line of kept.quote.lines)
      if (refused === null && account !== undefined) {
        if (line.item === 'balance')
          account.balanceFen = (account.balanceFen ?? 0) + line.amountFen;
        else
          account.items = account.items.flatMap((i) => {
            if (i.item !== line.item) return [i];
            const { restFen } = line;
            return restFen === undefined
              ? []
              : [
                  bill(i.item, i.kind, i.payee, restFen, {
                    ...i,
                    principalFen: restFen,
                    dueFen: restFen,
                    lateFeeFen: 0,
                    discountFen: 0,
                  }),
                ];
          });
      }
    return mishap === 'lost' ? lost : ok(kept.word);
  }

  void(orderId: string, nowMs: number): CreditWord {
    const kept = this.orders.get(orderId) ?? { quote: null, word: null };
    kept.word ??= { state: 'void', grant: `void.${orderId}`, serverTimeMs: nowMs };
    this.orders.set(orderId, kept);
    return kept.word;
  }
}
