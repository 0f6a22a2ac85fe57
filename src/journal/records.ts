/** One event as the database holds it. */
export interface EventRecord {
  readonly epoch: number;
  readonly seq: number;
  readonly kind: string;
  readonly wall_ms: number;
  readonly order_id: string | null;
  readonly body: string;
  readonly prev_hash: string;
  readonly hash: string;
}

/** What of an event is told to people. */
export type ToldRecord = Omit<EventRecord, 'prev_hash' | 'hash'>;

/** A closed shift as the database holds it: its fact's place, time and body. */
export interface ShiftRecord {
  readonly epoch: number;
  readonly seq: number;
  readonly wall_ms: number;
  readonly body: string;
}

/** A place in the journal: facts are ordered by epoch, then number. */
export interface Place {
  readonly epoch: number;
  readonly seq: number;
}
/** The last fact that was pruned, or the head: what the next one's `prevHash` is. */
export interface Anchor extends Place {
  readonly hash: string;
}

/** Does `a` stand before `b` in the journal? */
export function before(a: Place, b: Place): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.seq < b.seq);
}

/** Columns of {@link EventRecord}. */
export const EVENT_COLUMNS = 'epoch, seq, kind, wall_ms, order_id, body, prev_hash, hash';

/** As the second log has it. */
export function toLogged(r: EventRecord): LoggedEvent {
  return {
    epoch: r.epoch,
    seq: r.seq,
    kind: r.kind,
    wallMs: r.wall_ms,
    orderId: r.order_id,
    body: JSON.parse(r.body) as unknown,
    prevHash: r.prev_hash,
    hash: r.hash,
  };
}

/** One line of the second log: the event as hashed, enough to rebuild the journal. */
export interface LoggedEvent {
  readonly epoch: number;
  readonly seq: number;
  readonly kind: string;
  readonly wallMs: number;
  readonly orderId: string | null;
  readonly body: unknown;
  readonly prevHash: string;
  readonly hash: string;
}

/**
 * First line of a log whose older facts were pruned. The terminal is named, since no genesis hash
 * tells it any more.
 */
export interface LogAnchor extends Anchor {
  readonly terminalId: string;
}

/**
 * What is kept beside the facts, by name. Of these only `order_counter`, `epoch` and the `sent:` of
 * each epoch are about facts; the rest is what a process leaves for the next.
 */
export type MetaKey =
  | 'schema_digest'
  /** Whose journal it is; the epoch that is written; the last order number given out. */
  | 'terminal_id'
  | 'epoch'
  | 'order_counter'
  /** When it was opened last, ms. */
  | 'opened'
  /** Where the chain begins after a prune; that one is under way. */
  | 'anchor'
  | 'pruning'
  /** {@link Condition} of a journal that is not good; up to where its orders may live elsewhere. */
  | 'condition'
  | 'suspect'
  /** The highest number of an epoch that may have left for central. */
  | `sent:${number}`
  /** Central's clock as heard last; its signed policy; the last backup and comparison, ms. */
  | 'central_ms'
  | 'policy'
  | 'backup_ms'
  | 'reconciled'
  /** Cards that refused our key: kiosk/delivery/key-notes.ts. */
  | 'refused_keys'
  /** Tries at PINs of cards that do not tell them: main/core/pin-notes.ts. */
  | 'blind_pins'
  /** Cards in the reader's bin: kiosk/visit/left-card.ts. */
  | 'bin'
  /** The card that staff were called for, and that is not known to be gone; same file. */
  | 'called'
  /** Orders being quoted or given back when the process ended. */
  | 'quoting'
  | 'releasing'
  /** Maintenance mode: wrong PINs, who is in it, out of service. */
  | 'maintenance.lock'
  | 'maintenance.open'
  | 'maintenance.out'
  /** How loud the machine speaks; how each device stood when a fact told it last. */
  | 'speaker.level'
  | 'device.states';
