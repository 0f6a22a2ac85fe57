import type {
  DaybookView,
  LogFilter,
  LogsView,
  MaintenanceAction,
  MaintenanceRole,
  MaintenanceTab,
  OrderSearch,
  OrderStory,
  SnapshotOf,
  SystemFacts,
} from '../../shared/contract/index.ts';
import type { ErrorCode, ErrorText, Failure } from '../../shared/errors.ts';
import type { CardRefusal } from '../../shared/facts/card-refusals.ts';
import type { JournalEvent } from '../../shared/facts/catalogue.ts';

/** Wrong tries that cost nothing but themselves. */
export const FREE_TRIES = 2;

/**
 * After the third wrong try and each further one: 30 s, then 1, 2, 5, 15 minutes, then an hour
 * each.
 */
export const LOCK_MS = [30_000, 60_000, 120_000, 300_000, 900_000, 3_600_000] as const;

/** How long no PIN is taken after so many wrong ones in a row. */
export function lockMs(fails: number): number {
  return fails <= FREE_TRIES ? 0 : (LOCK_MS[Math.min(fails - FREE_TRIES, LOCK_MS.length) - 1] ?? 0);
}

/** After so long without another wrong try one is forgotten. */
export const FORGET_MS = 6 * 3_600_000;

/**
 * Each way in has a lock of its own: the corner, and each technician's card by its number. Who taps
 * wrong PINs at the corner locks out nobody who has his card, and the other way round.
 */
export interface Lock {
  /** Wrong tries in a row, counted before their check. */
  readonly fails: number;
  /** When the last was; a monotonic instant of this process, before its begin where need be. */
  readonly atMono: number;
  /** No PIN is taken before. */
  readonly untilMono: number;
}
const NO_LOCK: Lock = { fails: 0, atMono: 0, untilMono: 0 };
const CORNER = 'corner';

/** Which lock a PIN is tried at. */
export function wayOf(card: PinCard | null): string {
  return card?.cardNo ?? CORNER;
}

/** A way's lock as it is now. */
export function lockNow(locks: MaintenanceState['locks'], way: string, monoMs: number): Lock {
  const lock = locks.get(way) ?? NO_LOCK;
  const forgotten = Math.floor(Math.max(0, monoMs - lock.atMono) / FORGET_MS);
  return { ...lock, fails: Math.max(0, lock.fails - forgotten) };
}

/**
 * The same after one more try. A chip counts the tries at its PIN itself and is asked for a proof,
 * so half a minute is enough there: whoever forges its number takes no more from its owner.
 */
export function oneMoreTry(lock: Lock, card: PinCard | null, monoMs: number): Lock {
  const fails = lock.fails + 1;
  const byChip = card !== null && card.judgedBy !== null;
  const ms = byChip ? Math.min(lockMs(fails), LOCK_MS[0]) : lockMs(fails);
  return { fails, atMono: monoMs, untilMono: monoMs + ms };
}

/**
 * A lock as it is kept on disk, before the check of a PIN begins: a kill during the check is no
 * free try.
 */
export interface KeptLock {
  readonly fails: number;
  readonly setMs: number;
  readonly lockMs: number;
}
/** All of them, by way. A process of before had one, for all ways: it is the corner's. */
export type KeptLocks = Readonly<Record<string, KeptLock>>;

export function parseLocks(text: string): KeptLocks {
  if (text === '') return {};
  const kept = JSON.parse(text) as KeptLocks | KeptLock;
  return typeof kept.fails === 'number' ? { [CORNER]: kept as KeptLock } : (kept as KeptLocks);
}

/** A kept lock in a process that has just begun. */
export function lockAtStart(kept: KeptLock, nowMs: number, monoMs: number): Lock {
  const left = lockLeftMs(kept, nowMs);
  return {
    fails: kept.fails,
    atMono: monoMs - Math.max(0, nowMs - kept.setMs),
    untilMono: left === 0 ? 0 : monoMs + left,
  };
}

/**
 * What of a kept lock-out is left after a restart. A clock that was set back makes it no shorter,
 * and no longer than it was.
 */
export function lockLeftMs(kept: KeptLock, nowMs: number): number {
  const passed = nowMs - kept.setMs;
  return passed < 0 ? kept.lockMs : Math.max(0, kept.lockMs - passed);
}

/** What is read of the world while the screen is open; the view adds what the kiosk's state knows. */
export interface MaintenanceFacts {
  readonly orders: readonly OrderStory[];
  /** A search found more than is shown. */
  readonly more: boolean;
  /** While its tab is shown. */
  readonly daybook: Omit<DaybookView, 'exporting'> | null;
  /** As `daybook`. */
  readonly logs: LogsView | null;
  readonly space: 'ample' | 'low' | 'full';
  readonly sync: Omit<SnapshotOf<'maintenance'>['sync'], 'centralUp' | 'clockSkewMs' | 'verify'>;
}

/** What orders are searched for. */
export interface Search {
  readonly by: OrderSearch;
  readonly text: string;
}
/** What the open screen is to show of the world. */
export interface Wanted {
  readonly tab: MaintenanceTab;
  readonly openOrderId: string | null;
  readonly search: Search | null;
  readonly shiftRef: string;
  /** What of the log, and from where: see `LOG_FROM`. */
  readonly log: { readonly filter: LogFilter; readonly from: string };
}

/** A self-test, while it runs and after. */
export interface DeviceTest {
  readonly state: 'running' | 'passed' | 'failed';
  readonly detail: ErrorText | null;
}

/** A technician's card in the reader, whose PIN is asked for. */
export interface PinCard {
  readonly insertion: number;
  readonly cardNo: string;
  /** The user whom the configuration gives this card. */
  readonly who: string;
  /** As {@link TechnicianCard.judgedBy}. */
  readonly judgedBy: string | null;
  readonly problem: CardRefusal | null;
}

/** Where maintenance mode stands. */
export type MaintenanceMode =
  | { readonly at: 'idle' }
  | {
      readonly at: 'pin';
      readonly wrong: boolean;
      /** Number of the check that is going on; null: none is. */
      readonly check: number | null;
      /** Null: the corner was tapped. */
      readonly card: PinCard | null;
      readonly deadlineMono: number;
    }
  | {
      readonly at: 'open';
      readonly who: string;
      readonly role: MaintenanceRole;
      /** The card that opened it, and since when it is out; null: it was opened by the corner. */
      readonly card: { readonly insertion: number; readonly outUntilMono: number | null } | null;
      readonly tab: MaintenanceTab;
      readonly openOrderId: string | null;
      readonly search: Search | null;
      /** The closed shift that is shown; empty: the open one. */
      readonly shiftRef: string;
      readonly exporting: boolean;
      readonly log: Wanted['log'];
      /** When the log is searched further back; null: it is not being searched. */
      readonly searchAtMono: number | null;
      /** As last seen; null: not yet, or it cannot be. */
      readonly machine: SystemFacts | null;
      /** So many samples of the voice were asked for. */
      readonly samples: number;
      /** The readiness report on the screen. */
      readonly readiness: string | null;
      readonly tests: Readonly<Record<string, DeviceTest>>;
      readonly verify: SnapshotOf<'maintenance'>['sync']['verify'];
      readonly message: { readonly text: ErrorText; readonly untilMono: number } | null;
      readonly facts: MaintenanceFacts | null;
      readonly lookAtMono: number;
      readonly deadlineMono: number;
    };

/** The mode while it is open. */
export type OpenMode = Extract<MaintenanceMode, { at: 'open' }>;

/** All that is known of maintenance mode in this process. */
export interface MaintenanceState {
  readonly mode: MaintenanceMode;
  /** Somebody may enter: users are configured. */
  readonly enabled: boolean;
  /** The users' technician cards: number to name. */
  readonly cards: ReadonlyMap<string, string>;
  /** The users' roles, by name; whoever is not in it is a technician. */
  readonly roles: ReadonlyMap<string, MaintenanceRole>;
  readonly version: string;
  /** Taken out of service by a technician; outlives a restart. */
  readonly outOfService: boolean;
  /** Why selling is blocked otherwise. */
  readonly blocked: Failure | null;
  /** By the way in: see {@link Lock}. */
  readonly locks: ReadonlyMap<string, Lock>;
  /** PIN checks begun in this process. */
  readonly checks: number;
}

/** A kiosk that has no maintenance mode. */
export const NO_MAINTENANCE: MaintenanceState = {
  mode: { at: 'idle' },
  enabled: false,
  cards: new Map(),
  roles: new Map(),
  version: '',
  outOfService: false,
  blocked: null,
  locks: new Map(),
  checks: 0,
};

/** What a readiness report says of the kiosk's own state. */
export interface ReadinessState {
  readonly who: string;
  readonly centralUp: boolean | null;
  readonly clockSkewMs: number | null;
  readonly policyVersion: number | null;
  /** Why nothing is sold; null: it sells. */
  readonly blocked: ErrorCode | null;
}

/** What maintenance mode asks of the world. */
export type MaintenanceOp =
  /** The lock-out that a wrong PIN would bring is durable first. */
  | {
      readonly kind: 'check-pin';
      readonly pin: string;
      readonly check: number;
      /** Of the way that is tried. */
      readonly lock: { readonly way: string; readonly fails: number; readonly lockMs: number };
      /** His card judges the PIN, or the kiosk by his hash alone; null: anybody's PIN. */
      readonly card: PinCard | null;
    }
  | { readonly kind: 'clear-lock'; readonly way: string }
  /** Kept on disk, so that the next start can tell that a restart ended it. Null: it is closed. */
  | { readonly kind: 'keep-open'; readonly who: string | null }
  | { readonly kind: 'keep-out'; readonly out: boolean }
  | { readonly kind: 'look'; readonly wanted: Wanted }
  | { readonly kind: 'test'; readonly device: string }
  | { readonly kind: 'verify' }
  | { readonly kind: 'upload' }
  | { readonly kind: 'accept-damage'; readonly who: string; readonly why: string }
  | {
      readonly kind: 'order';
      readonly orderId: string;
      readonly action: MaintenanceAction;
      readonly who: string;
      readonly why: string;
      readonly reference: string;
    }
  | { readonly kind: 'print-story'; readonly orderId: string }
  | { readonly kind: 'print-copy'; readonly orderId: string }
  | {
      readonly kind: 'close-shift';
      /** Of the shift that was shown. */
      readonly number: string;
      readonly who: string;
      readonly why: string;
    }
  | { readonly kind: 'print-shift'; readonly ref: string }
  | { readonly kind: 'export' }
  /** The log is searched further back. */
  | { readonly kind: 'look-back'; readonly log: Wanted['log'] }
  | { readonly kind: 'restart-core' }
  | { readonly kind: 'restart-machine' }
  | { readonly kind: 'volume'; readonly level: number | null }
  | { readonly kind: 'brightness'; readonly percent: number }
  /** `paper` false: on the screen. */
  | { readonly kind: 'readiness'; readonly paper: boolean; readonly of: ReadinessState }
  | { readonly kind: 'log'; readonly message: string };

/** See {@link MaintenanceOp}. */
export interface MaintenanceEffect {
  readonly do: 'maintenance';
  readonly op: MaintenanceOp;
}

/** What came of a {@link MaintenanceOp}. */
export type MaintenanceNews =
  | {
      readonly news: 'checked';
      readonly check: number;
      /** Where it was tried. */
      readonly way: string;
      readonly who: string | null;
      /** Why his card opened nothing. */
      readonly card?: {
        readonly who: string;
        readonly why: CardRefusal;
      };
    }
  | { readonly news: 'looked'; readonly facts: MaintenanceFacts }
  | {
      readonly news: 'tested';
      readonly device: string;
      readonly ok: boolean;
      readonly detail: ErrorText;
    }
  | {
      readonly news: 'verified';
      readonly ok: boolean;
      readonly problems: readonly string[];
      readonly atMs: number;
    }
  /** A word on an order, judged by its rows as they stand: these facts follow. */
  | { readonly news: 'decided'; readonly events: readonly JournalEvent[]; readonly text: ErrorText }
  | { readonly news: 'told'; readonly text: ErrorText }
  | { readonly news: 'looked-back'; readonly logs: LogsView }
  | { readonly news: 'machine'; readonly machine: SystemFacts }
  /** A readiness report is to stand on the screen. */
  | { readonly news: 'readiness'; readonly text: string; readonly told: ErrorText | null }
  | { readonly news: 'exported'; readonly text: ErrorText };

/** See {@link MaintenanceNews}. */
export type MaintenanceEvent = { readonly type: 'maintenance' } & MaintenanceNews;
