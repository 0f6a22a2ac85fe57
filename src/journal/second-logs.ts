import { genesisHash } from '../shared/journal-hash.ts';
import type { Found } from './inspect.ts';
import { joinLog } from './join.ts';
import type { Anchor, LogAnchor, LoggedEvent } from './records.ts';
import type { SecondLogWriter, SecondScan, ShorterLog } from './second-log.ts';
import type { SecondStore } from './storage.ts';

/** A second log is copied for what was pruned once that is so much of what stays. */
const WORTH_SHORTENING = 0.1;

/** An epoch that has facts here, and its last number. */
export interface EpochSpan {
  readonly epoch: number;
  readonly last: number;
}

/** The database's facts: it counts, and the second logs are made to hold the same. */
export interface KeptFacts {
  readonly terminalId: string;
  /** The last fact that was pruned; null: none was. */
  anchor(): Anchor | null;
  /** Rising. */
  epochs(): EpochSpan[];
  /** The hash of one fact; undefined: it is not here. */
  hashAt(epoch: number, seq: number): string | undefined;
  /** The facts of an epoch behind a number, in order. */
  logged(epoch: number, afterSeq: number): Iterable<LoggedEvent>;
}

/** The second logs of an open journal, and the writer of the present epoch's. */
export class SecondLogs {
  readonly #store: SecondStore;
  readonly #facts: KeptFacts;
  /** The present epoch's; null: not joined yet, or closed. */
  #open: { readonly epoch: number; readonly writer: SecondLogWriter } | null = null;
  /** The number behind which each epoch's log begins. */
  readonly #begins = new Map<number, number>();
  #shortening = false;

  constructor(store: SecondStore, facts: KeptFacts) {
    this.#store = store;
    this.#facts = facts;
  }

  /**
   * Each log is made to hold what the database holds, and the present epoch's is opened. The last
   * append may be in SQLite only (cut in between). A log that lacks more, or cannot be read, is
   * kept under `aside` and made anew. Returns what was made anew, in words.
   *
   * @param found what the start saw: a log that was looked through is not read again
   */
  join(found: Found, present: number, aside: string): string[] {
    const anchor = this.#facts.anchor();
    const remade: string[] = [];
    const spans = this.#facts.epochs();
    if (spans.at(-1)?.epoch !== present)
      spans.push({ epoch: present, last: anchor?.epoch === present ? anchor.seq : 0 });
    let goodBytes = 0;
    for (const span of spans) {
      const seen = found.kind === 'good' ? found.logs.get(span.epoch) : undefined;
      goodBytes = this.#join(span, seen ?? this.#store.scan(span.epoch), aside, remade);
    }
    if (anchor !== null) this.#removeBefore(anchor.epoch);
    // The last span is the present epoch's.
    this.#write(present, goodBytes);
    return remade;
  }

  /** One epoch's: see {@link joinLog}. @returns how many bytes of the log hold whole facts now */
  #join({ epoch, last }: EpochSpan, log: SecondScan, aside: string, remade: string[]): number {
    const { terminalId } = this.#facts;
    const anchor = this.#facts.anchor();
    const from =
      anchor?.epoch === epoch ? anchor : { epoch, seq: 0, hash: genesisHash(terminalId, epoch) };
    const hashAt = (seq: number): string | undefined => this.#facts.hashAt(epoch, seq);
    this.#begins.set(epoch, log.anchor?.seq ?? 0);
    const joining = joinLog(terminalId, { epoch, last, from, hashAt }, log);
    switch (joining.kind) {
      case 'fits':
        return log.goodBytes;
      case 'extend': {
        const writer = this.#store.open(epoch, log.goodBytes);
        try {
          writer.append([...this.#facts.logged(epoch, joining.heldTo)]);
        } finally {
          writer.close();
        }
        break;
      }
      case 'remake':
        if (log.goodBytes > 0 || log.torn) this.#store.setAside(epoch, aside);
        this.#store.rewrite(epoch, this.#anchorOf(epoch), this.#facts.logged(epoch, from.seq));
        this.#begins.set(epoch, from.seq);
        if (joining.why !== null) remade.push(joining.why);
        break;
      default:
        joining satisfies never;
    }
    return this.#store.scan(epoch).goodBytes;
  }

  /**
   * Writes facts of the present epoch; durable when it returns.
   *
   * @throws the system's error, or that nothing is open: the process must end.
   */
  append(events: readonly LoggedEvent[]): void {
    if (this.#open === null) throw new Error('the second log is not open');
    this.#open.writer.append(events);
  }

  /** Another epoch begins. Whatever lies there under its number is not ours, and kept aside. */
  begin(epoch: number, aside: string): void {
    this.close();
    if (this.#store.epochs().includes(epoch)) this.#store.setAside(epoch, aside);
    this.#write(epoch, 0);
  }

  /**
   * Lets go what was pruned from the database, once it is worth a copy of the rest: a tenth of it.
   * The copy is made beside the log that goes on being written, and nobody waits for it. Cut
   * anywhere, the log begins before the journal does, which is no fault, and the next call does it.
   * Rejects with the system's error, the log as it was.
   *
   * @param fatal told where it is not known which of the two is in place: the process must end
   */
  async shorten(fatal: (cause: unknown) => void): Promise<void> {
    const anchor = this.#facts.anchor();
    if (anchor === null || this.#shortening) return;
    const { epoch } = anchor;
    this.#removeBefore(epoch);
    const logAnchor = this.#anchorOf(epoch);
    // Of an epoch that was pruned to its last fact there may be no log.
    if (logAnchor === null || !this.#store.epochs().includes(epoch)) return;
    const last = this.#facts.epochs().find((span) => span.epoch === epoch)?.last ?? anchor.seq;
    const stale = anchor.seq - (this.#begins.get(epoch) ?? 0);
    if (stale <= 0 || stale < (last - anchor.seq) * WORTH_SHORTENING) return;
    this.#shortening = true;
    try {
      const shorter = await this.#store.shorter(epoch, logAnchor);
      // Closed meanwhile: whoever opened it since then has its own.
      if (this.#open === null) return shorter.drop();
      this.#replace(epoch, shorter, fatal);
      this.#begins.set(epoch, anchor.seq);
    } finally {
      this.#shortening = false;
    }
  }

  /** In one go: nothing is appended between the last bytes of the copy and its taking the place. */
  #replace(epoch: number, shorter: ShorterLog, fatal: (cause: unknown) => void): void {
    const isPresent = this.#open?.epoch === epoch;
    try {
      if (isPresent) this.close();
      const goodBytes = shorter.finish();
      if (isPresent) this.#write(epoch, goodBytes);
    } catch (error) {
      fatal(error);
      throw error;
    }
  }

  close(): void {
    this.#open?.writer.close();
    this.#open = null;
  }

  #write(epoch: number, goodBytes: number): void {
    this.#open = { epoch, writer: this.#store.open(epoch, goodBytes) };
  }
  #removeBefore(first: number): void {
    for (const epoch of this.#store.epochs()) if (epoch < first) this.#store.remove(epoch);
  }
  #anchorOf(epoch: number): LogAnchor | null {
    const anchor = this.#facts.anchor();
    return anchor?.epoch === epoch ? { terminalId: this.#facts.terminalId, ...anchor } : null;
  }
}
