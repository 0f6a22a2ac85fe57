import type { CardReading, ReaderStatus, WritePlan } from '../../card/types.ts';
import type { NamedReport } from '../../device/device.ts';
import type { AttemptRow } from '../../journal/fold.ts';
import type {
  Account,
  ClaimAnswer,
  ClaimKind,
  Command,
  CreditAccount,
  CreditWord,
  OrderStatus,
  Quote,
  RefundTold,
} from '../../shared/central-api/index.ts';
import type {
  Access,
  Intent,
  Locale,
  ProviderKind,
  SnapshotOf,
} from '../../shared/contract/index.ts';
import type { Failure } from '../../shared/errors.ts';
import type { EventBody, JournalEvent } from '../../shared/facts/catalogue.ts';
import type { HeldPolicy } from '../../shared/policy.ts';
import type { Result } from '../../shared/result.ts';
import type { Unwritten } from '../../shared/trust.ts';
import type { MaintenanceEffect, MaintenanceEvent, MaintenanceState } from './maintenance.ts';
import type { CallResult, HeldCall, OpenOrder, Verb, WriteProgress } from './order.ts';
import type { MyAccountNews, MyAccountOp, SlipPurchase } from './my-account.ts';
import type { RequestNews, RequestOp } from './requests.ts';
import type { AmountSession, CreditChoice, Session } from './visit.ts';

/** What is known of the world that a sale depends on. */
export interface ServiceState {
  readonly policy: HeldPolicy | null;
  /** Null: not known yet. */
  readonly lineUp: boolean | null;
  /** Of several payment lines those that do not answer; `lineUp` is false when none does. */
  readonly linesDown: readonly ProviderKind[];
  readonly centralUp: boolean | null;
  /** What each device of the machine said last, in the order in which staff see them. */
  readonly devices: readonly NamedReport[];
  readonly clockSkewMs: number | null;
  /** Why the kiosk must not sell at all (journal, fork, clock …). */
  readonly blocked: Failure | null;
}

/**
 * After each start the orders of before do nothing final until central was heard, or the time is
 * over: this journal may be one that was put back, or copied.
 */
export interface Hold {
  readonly sinceMono: number;
  /** Not for longer, whatever is heard. */
  readonly untilMono: number;
}

/** A card that refused our code or key, and until when that is remembered. */
export interface Refusal {
  readonly layout: string;
  readonly cardNo: string;
  readonly untilMono: number;
}
/** Oldest first; each card once. */
export type Refusals = readonly Refusal[];

/** A card that did not take our key or code in a write, and the tries it has left (null: untold). */
export type KeyRefused = EventBody<'card-refused'>;

/** What was told of the cards that were put in. */
export interface SeenCards {
  /** The insertion that was told of last. */
  readonly insertion: number;
  /** By card number: what was told, as text. */
  readonly cards: ReadonlyMap<string, string>;
}

/** A card that its visit no longer needs, still in the slot. */
export interface LeftCard {
  readonly insertion: number;
  /** Null: it was not read. */
  readonly cardNo: string | null;
  readonly sinceMono: number;
  /** `refused`: the reader said that it did not go. Null: nobody was told yet. */
  readonly told: 'capturing' | 'refused' | 'called' | null;
  /**
   * Of one that was called for: an order may yet be written onto it. False: that has ended since,
   * and its time began anew.
   */
  readonly owed?: boolean;
  /** Why it did not go. */
  readonly code?: string;
}

/** Cards that were taken in, until a technician has them. */
export interface Bin {
  /** The reader moves cards by itself. */
  readonly motor: boolean;
  /** Oldest first. */
  readonly cards: readonly { readonly cardNo: string | null; readonly atMs: number }[];
}

/** Everything that a transition may look at. */
export interface KioskState {
  readonly session: Session;
  /**
   * Until when inherited orders do nothing that cannot be undone; null: central was heard in this
   * process.
   */
  readonly hold: Hold | null;
  readonly locale: Locale;
  readonly access: Access;
  /** The customer's button: nothing is said for the visit. */
  readonly muted: boolean;
  /** Everything is read aloud, and times are long: a customer who does not see. */
  readonly spoken: boolean;
  /** His own loudness, percent; null: the policy's. */
  readonly volume: number | null;
  /** How loud the machine speaks, percent, set by a technician; null: as the policy has it. */
  readonly speakerLevel: number | null;
  /** Headphones are plugged in. The jack's state, not the visit's. */
  readonly headphones: boolean;
  /** A keypad's jack said so, which tells each plug and pull once and cannot be asked. */
  readonly pluggedByKey: boolean;
  /**
   * When the start screen goes back to Chinese with nothing set for the next customer; null: it is
   * so, or a visit goes on.
   */
  readonly plainAtMono: number | null;
  /** Since when the kiosk is out of service, wall clock; null: it is not. */
  readonly downSinceMs: number | null;
  /** What the start screen tells whoever stands there, and until when; null: nothing. */
  readonly word: {
    readonly kind: NonNullable<SnapshotOf<'start'>['word']>;
    readonly untilMono: number;
  } | null;
  readonly reader: {
    readonly state: ReaderStatus['state'];
    readonly insertion: number;
    readonly failure: Failure | null;
    readonly sinceMs: number;
  };
  /** The card in the reader, once it was read (or could not be). */
  readonly card: {
    readonly insertion: number;
    readonly result: Result<CardReading, Failure>;
    /** When the read was begun. */
    readonly begunMono: number;
  } | null;
  readonly cardBusy: boolean;
  readonly refusals: Refusals;
  readonly seen: SeenCards;
  readonly left: LeftCard | null;
  readonly bin: Bin;
  readonly orders: ReadonlyMap<string, OpenOrder>;
  /** User numbers that were looked up lately, each with when it was last (monotonic). */
  readonly lookedUp: readonly { readonly userNo: string; readonly atMono: number }[];
  /** Number of the last question about an account without a card. */
  readonly creditAsked: number;
  /** By order: how many papers the printer was given for it in this process. */
  readonly papers: ReadonlyMap<string, number>;
  readonly service: ServiceState;
  readonly maintenance: MaintenanceState;
  /** In the order of the configuration. */
  readonly providers: readonly ProviderKind[];
  /** Those whose captures central cannot believe: what it posts is not paid by them. */
  readonly unprovable: readonly ProviderKind[];
  /** Payees that the machine's own wallets collect for; the gateway does for every one. */
  readonly collectsFor: readonly string[];
  /** Those that take the customer's payment code. */
  readonly codeProviders: readonly ProviderKind[];
}

/**
 * Everything that can happen to the kiosk: each is answered by one transition, in the order of
 * coming.
 */
export type KioskEvent =
  | {
      readonly type: 'reader';
      readonly state: KioskState['reader']['state'];
      readonly insertion: number;
      readonly failure: Failure | null;
    }
  | {
      readonly type: 'card-read';
      readonly insertion: number;
      readonly result: Result<CardReading, Failure>;
      /** When the read was begun. */
      readonly begunMono: number;
    }
  | {
      readonly type: 'account';
      readonly insertion: number;
      readonly result: Result<{ account: Account; offline: boolean }, Failure>;
      /** Our own order that still holds the card and waits for a person. */
      readonly parked: OpenOrder | null;
    }
  | {
      readonly type: 'preview';
      readonly asked: number;
      readonly result: Result<{ quote: Quote; offline: boolean }, Failure>;
    }
  /**
   * Everything held before money is asked for: these facts make the order, in the same step in
   * which the session takes it.
   */
  | {
      readonly type: 'order-begun';
      readonly orderId: string;
      readonly insertion: number;
      readonly events: readonly JournalEvent[];
    }
  | { readonly type: 'order-not-begun'; readonly insertion: number; readonly failure: Failure }
  | {
      readonly type: 'called';
      readonly orderId: string;
      readonly attemptId: string;
      readonly call: CallResult;
    }
  | {
      readonly type: 'written';
      readonly orderId: string;
      readonly insertion: number;
      readonly applied: Result<void, Failure>;
      readonly image: Result<Uint8Array, Failure>;
      /** When the read-back that `image` is of was begun. */
      readonly lookedMono: number;
      /** Of a read that shows the card as it was: how sure that is. */
      readonly unwritten: Unwritten;
      /** Null: no try was spent. */
      readonly refused: KeyRefused | null;
    }
  /**
   * A layout keeps what a card said in the middle of a write; the write waits until it is durable.
   * `record` in hex.
   */
  | {
      readonly type: 'keep';
      readonly orderId: string;
      readonly insertion: number;
      readonly record: string;
      readonly assist: boolean;
    }
  /** A write came one step further: for the screen, and nothing else. */
  | {
      readonly type: 'progress';
      readonly orderId: string;
      readonly insertion: number;
      readonly progress: WriteProgress;
    }
  | {
      readonly type: 'claimed';
      readonly orderId: string;
      readonly kind: ClaimKind;
      readonly askedMono: number;
      /** When it was asked nothing of the order waited to be sent to central. */
      readonly told: boolean;
      readonly result: Result<ClaimAnswer, Failure>;
    }
  /** What a motor reader said to taking in a card that was left. */
  | {
      readonly type: 'captured';
      readonly insertion: number;
      readonly cardNo: string | null;
      readonly result: Result<void, Failure>;
    }
  | { readonly type: 'command'; readonly command: Command }
  | {
      readonly type: 'assist-claimed';
      readonly insertion: number;
      readonly orderId: string;
      readonly askedMono: number;
      readonly result: Result<ClaimAnswer, Failure>;
    }
  | {
      readonly type: 'assist-written';
      readonly insertion: number;
      readonly orderId: string;
      readonly applied: Result<void, Failure>;
      readonly image: Result<Uint8Array, Failure>;
      /** As above. */
      readonly refused: KeyRefused | null;
    }
  /** Central's word on a posting that was asked for, or that none was heard. */
  | {
      readonly type: 'posted';
      readonly orderId: string;
      readonly result: Result<CreditWord, Failure>;
    }
  /** The account behind a user number; `asked` names the question. */
  | {
      readonly type: 'credit-account';
      readonly asked: number;
      readonly result: Result<CreditAccount, Failure>;
    }
  /** Everything held before money is asked for; see `order-begun`. */
  | {
      readonly type: 'credit-begun';
      readonly asked: number;
      readonly orderId: string;
      readonly events: readonly JournalEvent[];
    }
  | { readonly type: 'credit-not-begun'; readonly asked: number; readonly failure: Failure }
  | {
      readonly type: 'order-found';
      readonly ref: string;
      readonly result: Result<OrderStatus | null, Failure>;
      /** What was bought with it; null: nothing, or it is not known. */
      readonly purchase: SlipPurchase | null;
    }
  | {
      readonly type: 'printed';
      readonly orderId: string;
      readonly what: EventBody<'slip-printed'>['what'];
      readonly paper: 'printed' | 'partly' | 'failed';
    }
  | { readonly type: 'request'; readonly told: RequestNews }
  | { readonly type: 'my-account'; readonly told: MyAccountNews }
  /** See `UploaderOptions.onHeard`. */
  | { readonly type: 'heard'; readonly how: 'answered' | 'away' }
  | { readonly type: 'service'; readonly change: Partial<ServiceState> }
  /** A code in front of the scanner. `used`: it was taken once already, in this process. */
  | { readonly type: 'scanned'; readonly code: string; readonly used: boolean }
  /** Headphones were plugged in, or pulled. */
  | { readonly type: 'headphones'; readonly plugged: boolean }
  /** A device stands otherwise than told last, and lastingly so. */
  | { readonly type: 'device-changed'; readonly change: EventBody<'device-changed'> }
  /** A technician set how loud the machine speaks. */
  | { readonly type: 'speaker-level'; readonly level: number | null }
  | { readonly type: 'intent'; readonly intent: Intent }
  | MaintenanceEvent
  | { readonly type: 'tick' };

/** What a transition asks of the world. The runner carries it out, and tells its end by an event. */
export type Effect =
  | { readonly do: 'journal'; readonly events: readonly JournalEvent[] }
  | { readonly do: 'read-card'; readonly insertion: number }
  | { readonly do: 'ask-account'; readonly insertion: number; readonly reading: CardReading }
  | {
      readonly do: 'preview';
      readonly asked: number;
      readonly reading: CardReading;
      readonly account: Account;
      readonly offline: boolean;
      readonly amountFen: number;
    }
  | { readonly do: 'begin-order'; readonly session: AmountSession; readonly amountFen: number }
  | {
      readonly do: 'call';
      readonly verb: Verb;
      readonly orderId: string;
      /** Null: the sale is to no card. */
      readonly cardNo: string | null;
      /** Whose money it is to be. */
      readonly payee: string;
      readonly attempt: AttemptRow;
      readonly why: string;
      /** charge only. */
      readonly authCode?: string;
      /** Of a query that is to be held. */
      readonly hold?: HeldCall;
    }
  | {
      readonly do: 'write';
      readonly orderId: string;
      readonly insertion: number;
      readonly plan: WritePlan;
    }
  /** The write that waits for its record goes on (ok), or ends there. */
  | { readonly do: 'kept'; readonly orderId: string; readonly ok: boolean }
  /**
   * `claimMs`: the card was seen as before the write under our own claim, granted at this time of
   * central's. `sure`: of a refund claim only.
   */
  | {
      readonly do: 'claim';
      readonly orderId: string;
      readonly kind: ClaimKind;
      readonly cardNo: string;
      readonly claimMs: number | null;
      readonly sure: RefundTold | null;
    }
  | {
      readonly do: 'assist-claim';
      readonly insertion: number;
      readonly orderId: string;
      readonly cardNo: string;
      /** It is said to be delivered, and the card here shows it unwritten. */
      readonly finish: boolean;
    }
  | {
      readonly do: 'assist-write';
      readonly insertion: number;
      readonly orderId: string;
      readonly layout: string;
      readonly plan: WritePlan;
    }
  /** Central is asked to post a paid credit order, or to make it void. */
  | { readonly do: 'post'; readonly orderId: string; readonly verb: 'post' | 'void' }
  | { readonly do: 'ask-credit'; readonly asked: number; readonly userNo: string }
  | { readonly do: 'begin-credit'; readonly asked: number; readonly sale: CreditChoice }
  /** The card that was left is taken into the bin. */
  | { readonly do: 'capture'; readonly insertion: number; readonly cardNo: string | null }
  | { readonly do: 'find-order'; readonly ref: string }
  | { readonly do: 'request'; readonly ask: RequestOp }
  | { readonly do: 'my-account'; readonly ask: MyAccountOp }
  | { readonly do: 'release'; readonly orderId: string }
  | MaintenanceEffect
  | {
      readonly do: 'print';
      readonly orderId: string;
      readonly what: EventBody<'slip-printed'>['what'];
    };

/** What a transition comes to. */
export interface Step {
  readonly state: KioskState;
  readonly effects: readonly Effect[];
}
