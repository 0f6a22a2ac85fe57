import type { CardReading } from '../../card/types.ts';
import type {
  Account,
  ClaimedOrder,
  CreditAccount,
  OrderStatus,
  Quote,
} from '../../shared/central-api/index.ts';
import type { InfoTopic } from '../../shared/contract/index.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import type { AttemptState, OrderState } from '../../shared/order-rules.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import type { Rating } from '../../shared/ratings.ts';
import type { WriteProgress } from './order.ts';
import type { MyAccountSession, SlipPurchase } from './my-account.ts';
import type { RequestSession, SlipState } from './requests.ts';
import type { Consent, CreditKind } from '../../shared/sale.ts';

/**
 * What a visit knows at each of its stages. Nothing of it outlives the process: what must is an
 * order's row, and a visit finds its way back to that.
 */
export type Session =
  | IdleSession
  | InsertCardSession
  | ReadingSession
  | CannotSellSession
  | CardInfoSession
  | InfoSession
  | RequestSession
  | MyAccountSession
  | AmountSession
  | UserNoSession
  | AccountSession
  | OrderSession
  | AssistSession
  | OrderStatusSession
  | TakeCardSession;

/** The visit at one of its stages. */
export type SessionAt<A extends Session['at']> = Extract<Session, { at: A }>;

/** Nobody is here: the start screen. */
export interface IdleSession {
  readonly at: 'idle';
}

/** What a card was put in for: chosen on the start screen; without a choice it is to buy. */
export type Purpose = 'query' | 'unfinished' | 'buy';

/** A card is asked for, for what was chosen on the start screen. */
export interface InsertCardSession {
  readonly at: 'insert-card';
  readonly purpose: Exclude<Purpose, 'buy'>;
  readonly deadlineMono: number;
}

/** The card is read, then its account is asked for. */
export interface ReadingSession {
  readonly at: 'reading';
  readonly insertion: number;
  readonly stage: 'card' | 'account';
  readonly purpose: Purpose;
  readonly reading: CardReading | null;
}

/** Why it does not go on is said. */
export interface CannotSellSession {
  readonly at: 'cannot-sell';
  readonly reason: ErrorCode;
  readonly reading: CardReading | null;
  readonly account: Account | null;
  readonly deadlineMono: number;
}

/** What is on the card is shown. */
export interface CardInfoSession {
  readonly at: 'card-info';
  readonly reading: CardReading;
  readonly account: Account | null;
  readonly deadlineMono: number;
}

/** What the hall tells is looked at: no card, no account. */
export interface InfoSession {
  readonly at: 'info';
  readonly topic: InfoTopic | 'menu';
  readonly page: number;
  /** Of a topic that is told by districts: which of them. Of papers 1: the code of the list. */
  readonly group: number;
  readonly deadlineMono: number;
}

/** The customer chooses how much to buy. */
export interface AmountSession {
  readonly at: 'amount';
  readonly insertion: number;
  readonly reading: CardReading;
  readonly account: Account;
  readonly offline: boolean;
  readonly chosenFen: number | null;
  readonly quote: Quote | null;
  readonly problem: ErrorCode | null;
  readonly busy: 'quoting' | 'paying' | null;
  /** The sum is large: the customer is asked once more. */
  readonly confirming: boolean;
  /** No slip can be printed: the customer is asked whether he does without. */
  readonly slipless: boolean;
  /** Number of the last quote asked for: an older answer is dropped. */
  readonly asked: number;
  /** How often more time was asked for. */
  readonly extended: number;
  readonly deadlineMono: number;
}

/** What is paid for without a card: an IoT meter's balance, or bills. */
export type AccountService = 'top-up' | 'bills';

/** The user number is asked for, then its account. */
export interface UserNoSession {
  readonly at: 'user-no';
  readonly service: AccountService;
  /** `reading`: of the card that was put in instead of typing. */
  readonly stage: 'typing' | 'reading' | 'asking';
  /** Number of the last question to central: an older answer is dropped. */
  readonly asked: number;
  readonly problem: ErrorCode | null;
  /** The insertion of a card whose account's debt is paid first; null: no card is meant. */
  readonly card: number | null;
  readonly deadlineMono: number;
}

/** The account is there: whose it is is agreed to, then what is paid, then a contract if it has one. */
export interface AccountSession {
  readonly at: 'account';
  readonly service: AccountService;
  /** `prepay`: of who owes nothing. */
  readonly stage: 'is-it-you' | 'choose' | 'contract' | 'prepay';
  readonly account: CreditAccount;
  /** top-up and prepay: the sum; bills: so much of the one that is ticked. */
  readonly chosenFen: number | null;
  /** bills: so many of this payee's, the oldest first. */
  readonly chosen: { readonly payee: string; readonly count: number } | null;
  /** What was ticked, as its words stood at that moment (wall time); null: nothing is. */
  readonly agreed: Consent | null;
  readonly problem: ErrorCode | null;
  readonly busy: boolean;
  /** As in {@link AmountSession}; so is `slipless`. */
  readonly confirming: boolean;
  readonly slipless: boolean;
  /** As in {@link UserNoSession}; so is `card`. */
  readonly asked: number;
  readonly card: number | null;
  readonly extended: number;
  readonly deadlineMono: number;
}

/** What a customer agreed to pay to an account. */
export interface CreditChoice {
  readonly userNo: string;
  readonly payee: string;
  readonly lines: readonly {
    readonly item: string;
    readonly kind: CreditKind;
    readonly amountFen: number;
    /** Not all of the bill, on purpose. */
    readonly part?: true;
  }[];
  /** The moment whose terms he was shown, by central's clock. */
  readonly asOfMs: number;
  readonly consent: Consent | null;
}

/** How a paper of the visit goes. */
export type Receipt = 'none' | 'printing' | 'printed' | 'partly' | 'failed';

/** The screens that an order's visit has. */
export type OrderScreen =
  | 'pay'
  | 'writing'
  | 'done'
  | 'in-doubt'
  | 'refunding'
  | 'cancelled'
  | 'unfinished';

/**
 * The screen that an order's visit ends with. Another screen, or other news of the money, is
 * another.
 */
export interface OrderEnding {
  readonly screen: Exclude<OrderScreen, 'pay' | 'writing'>;
  /** How the money stands that is told of: the order, or a payment that it did not take. */
  readonly money: OrderState | AttemptState | null;
  readonly deadlineMono: number;
}

/** An order is paid for, delivered, or told the end of. */
export interface OrderSession {
  readonly at: 'order';
  readonly orderId: string;
  readonly insertion: number;
  /** True: found by inserting the card, not bought in this visit. */
  readonly found: boolean;
  readonly lastCheck: 'asking' | 'not-paid' | 'line-down' | null;
  /** Which attempt was asked about, and after how many calls. */
  readonly checked: { readonly attemptId: string; readonly asked: number } | null;
  readonly receipt: Receipt;
  readonly slip: Receipt;
  readonly cardOut: boolean;
  /** What the customer said of it; null: nothing yet. */
  readonly rated: Rating | null;
  /** Set once the order reached a screen that ends by itself. */
  readonly ending: OrderEnding | null;
  /** The customer was sent away while the payment is asked about. */
  readonly gaveUp: boolean;
  readonly closeWhy: EventBody<'attempt-closing'>['why'] | null;
  /** Why the code that was scanned last is not taken. */
  readonly scanProblem: ErrorCode | null;
  /** Bought in this visit without a card: for what, and what is still owed there. */
  readonly account: {
    readonly service: AccountService;
    readonly userNo: string;
    readonly restFen: number;
    /** As in {@link UserNoSession}. */
    readonly card: number | null;
  } | null;
}

/** Another kiosk's order, being finished here. */
export interface AssistSession {
  readonly at: 'assist';
  readonly insertion: number;
  readonly reading: CardReading;
  readonly orderId: string;
  /** The terminal that sold it. */
  readonly origin: string;
  readonly stage: 'asking' | 'writing' | 'pulled' | 'delivered' | 'superseded';
  readonly order: ClaimedOrder | null;
  /** Central's time when it granted the claim. */
  readonly claimMs: number;
  /** Central's token for the claim. */
  readonly grant: string | null;
  /** No write begins after this. */
  readonly untilMono: number;
  readonly writes: number;
  /** Of the write under way, for the screen; null: there is none. */
  readonly progress: WriteProgress | null;
  readonly deadlineMono: number;
}

/** How the order of a slip's number stands is shown. */
export interface OrderStatusSession {
  readonly at: 'order-status';
  readonly ref: string;
  readonly found: OrderStatus | null;
  readonly answer: 'asking' | 'known' | 'not-found' | 'no-answer';
  /** What was bought, where something was; of another machine without its time and count. */
  readonly purchase: SlipPurchase | null;
  /** So many copies of its slip were asked for, and how the last one goes. */
  readonly papers: number;
  readonly slip: SlipState;
  readonly deadlineMono: number;
}

/** The visit is over and its card is still inside. */
export interface TakeCardSession {
  readonly at: 'take-card';
  readonly deadlineMono: number;
}
