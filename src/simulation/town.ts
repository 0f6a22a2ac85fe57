import type { Db } from '../central/db/sql.ts';
import type { JournalStorage } from '../journal/storage.ts';
import type { KeyId, SigningKey, Verifier } from '../shared/ports.ts';
import type { Wallets } from '../simulator/pay-town.ts';
import type { Books } from '../simulator/payment-books.ts';
import type { SimCard } from './card.ts';
import type { CentralSite } from './central-site.ts';
import type { Dice } from './dice.ts';
import type { GatewayWatch } from './gateway-watch.ts';
import type { MemoryStorage } from './memory-storage.ts';
import type { Line } from './net.ts';
import type { PaySet } from './providers.ts';
import type { Site } from './site.ts';
import type { Timeline } from './timeline.ts';

/** Where the engines come from: quick ones in memory, or the real ones. */
export interface Engines {
  readonly name: 'quick' | 'real';
  readonly centralDb: () => Promise<Db>;
  /**
   * A machine's disk. `faulty`: the same one, where it can be made to fail; `lose` takes its
   * database away while nothing has it open.
   */
  readonly disk: () => {
    readonly storage: JournalStorage;
    readonly faulty: MemoryStorage | null;
    readonly lose: () => void;
    readonly dispose: () => void;
  };
  readonly key: (name: string) => {
    readonly signer: SigningKey;
    readonly verifier: Verifier & KeyId;
    readonly publicKeyPem: string;
  };
}

/** One town, from its seed to its quiet end. */
export interface SimOptions {
  readonly seed: number;
  readonly sessions: number;
  readonly engines: Engines;
  /** Lines of the story, oldest first; null: none is kept. */
  readonly story: string[] | null;
  /** Only these faults; all where not given. */
  readonly faults?: readonly FaultKind[];
  /** Who cheats; `none` where not given. Without it nothing is drawn for it. */
  readonly mode?: Mode;
}

/**
 * Who cheats in a town, and how it is equipped. `none`: nobody · `interposer`: some customers hold
 * a chip between card and reader · `rogue`: a thief has a terminal's key · `line`: somebody sits
 * between the kiosks and central, with TLS broken. With a cheat central has its real budget of
 * refunds on a reader's word.
 */
export const MODES = ['none', 'interposer', 'rogue', 'line'] as const;
/** See {@link MODES}. */
export type Mode = (typeof MODES)[number];

/** What became of it; fen. */
export interface SimResult {
  readonly seed: number;
  readonly sessions: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly captured: number;
  readonly delivered: number;
  readonly refunded: number;
  readonly parked: Readonly<Record<string, number>>;
  readonly ends: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

/**
 * A provider takes money for a closed order at most so long after; then the world may be called
 * quiet.
 */
export const LATE_MS = 150_000;

/** A card in somebody's hands, or free. */
export interface HeldCard {
  readonly id: string;
  readonly cardNo: string;
  readonly card: SimCard;
  /** Where it is when nobody has it. */
  free: boolean;
}

/** Everything that goes wrong in the simulated town, by the name under which it is counted. */
export const FAULTS = [
  'card-torn-before',
  'card-torn-after',
  'card-swapped',
  'card-lies',
  'pcsc-lost',
  'meter-visit-between',
  'payment-request-lost',
  'payment-answer-lost',
  'payment-late',
  'payment-duplicate',
  'payment-reordered',
  'payment-failed-after',
  'payment-line-cut',
  'refund-stuck',
  'refund-refused',
  'code-declined',
  'code-asks-password',
  'reversal-not-held',
  'central-request-lost',
  'central-answer-lost',
  'central-duplicate',
  'central-failed-after',
  'central-gone',
  'central-slow',
  'central-killed',
  'power-cut',
  'mains-off',
  'battery-empty',
  'upsd-gone',
  'door-open',
  'second-log-torn',
  'disk-full',
  'fsync-error',
  'database-lost',
  'clock-step',
  'printer-paper',
  'printer-cover',
  'printer-unplugged',
] as const;
/** See {@link FAULTS}. */
export type FaultKind = (typeof FAULTS)[number];

/** The town as its checks, its faults and its phones see it. */
export interface Town {
  readonly timeline: Timeline;
  readonly dice: Dice;
  readonly nowMs: number;
  readonly cards: readonly HeldCard[];
  readonly sites: readonly Site[];
  readonly lines: readonly { readonly payment: Line; readonly central: Line }[];
  readonly disks: readonly ReturnType<Engines['disk']>[];
  readonly books: Books;
  /** The water company's, where it has a merchant of its own. */
  readonly waterBooks: Books | null;
  readonly paySet: PaySet;
  readonly seed: number;
  /** Who cheats. */
  readonly mode: Mode;
  /** The terminal whose key a thief has; null: none. */
  readonly thief: string | null;
  readonly gateway: GatewayWatch;
  readonly central: CentralSite;
  readonly db: Db;
  readonly wallets: Wallets;
  /** The gateway's line to the wallets. */
  readonly walletLine: Line;
  /** Faults have ceased. */
  readonly quiet: boolean;
  readonly count: (what: string, n?: number) => void;
  readonly tell: (line: string) => void;
  /** The promise is broken. */
  readonly problem: (text: string) => void;
  readonly releaseRefunds: () => void;
  /** A machine's database is gone; its second log is there. */
  readonly databaseLost: (terminalId: string) => void;
  /** A code that is paid though nobody wants it any more. */
  readonly leftover: (code: string) => void;
  /** The customers' phones; a thief's too. */
  readonly phone: { readonly pay: (codeUrl: string, late: boolean) => void };
  /** At home: the meter takes what is on the card. */
  readonly visitMeter: (held: HeldCard) => void;
}
