import type { Journal } from '../../journal/journal.ts';
import type { BackFrom, BackRead, ToldFact } from '../../journal/read-back.ts';
import type { LogFilter, LogLine, LogsView } from '../../shared/contract/index.ts';
import { EVENTS } from '../../shared/facts/catalogue.ts';
import type { EventKind } from '../../shared/facts/catalogue.ts';
import { DAY_MS, chinaDayMs } from '../../shared/time.ts';
import { storyOf } from '../words/facts.ts';

/** Lines that are given at a time; what a panel has no room for it pages through. */
export const LOG_LINES = 48;
/** Facts that one look goes through: measured, some five milliseconds of a journal of a million. */
const STRETCH = 4_000;

/** A line that a program of this machine said, of those that warn. */
export interface ProgramLine {
  readonly atMs: number;
  readonly level: 'warn' | 'error';
  readonly room: string;
  readonly text: string;
}

type Matter = Exclude<LogFilter, 'all' | 'program'>;
const MONEY: readonly Matter[] = ['money'];
const CARD: readonly Matter[] = ['card'];
const LINE: readonly Matter[] = ['line'];
const PEOPLE: readonly Matter[] = ['people'];
const MONEY_BY_PEOPLE: readonly Matter[] = ['money', 'people'];

/** Under which filters each kind of fact is found. */
export const MATTERS: Readonly<Record<EventKind, readonly Matter[]>> = {
  'core-started': LINE,
  'order-quoted': MONEY,
  'credit-quoted': MONEY,
  'credit-posting': MONEY,
  'credit-posted': MONEY,
  'attempt-creating': MONEY,
  'attempt-pending': MONEY,
  'attempt-paid': MONEY,
  'attempt-closing': MONEY,
  'attempt-closed': MONEY,
  'attempt-refunding': MONEY,
  'attempt-refunded': MONEY,
  'attempt-parked': MONEY,
  'order-paid': MONEY,
  'order-delivering': CARD,
  'order-kept': CARD,
  'order-in-doubt': ['money', 'card'],
  'order-delivered': ['money', 'card'],
  'order-closed': MONEY,
  'order-refunding': MONEY,
  'order-refunded': MONEY,
  'order-parked': MONEY,
  'assist-writing': CARD,
  'assist-kept': CARD,
  'assist-ended': CARD,
  'epoch-began': LINE,
  'journal-restored': LINE,
  'order-restated': LINE,
  'damage-accepted': ['people', 'line'],
  'journal-pruned': LINE,
  'device-changed': ['device'],
  'maintenance-entered': PEOPLE,
  'maintenance-left': PEOPLE,
  'maintenance-refused': PEOPLE,
  'maintenance-action': PEOPLE,
  'attempt-refund-retried': MONEY_BY_PEOPLE,
  'parked-settled': MONEY_BY_PEOPLE,
  'card-seen': CARD,
  'card-refused': CARD,
  'card-left': CARD,
  'visit-rated': PEOPLE,
  'request-made': PEOPLE,
  'slip-printed': ['device'],
  'clock-step': LINE,
  'policy-taken': LINE,
  reconciled: ['money', 'line'],
  'shift-closed': MONEY_BY_PEOPLE,
};
const KINDS = Object.keys(EVENTS) as EventKind[];
const kindsOf = (filter: Matter): ReadonlySet<string> =>
  new Set(KINDS.filter((kind) => MATTERS[kind].includes(filter)));

const BAD: ReadonlySet<string> = new Set([
  'attempt-parked',
  'order-parked',
  'maintenance-refused',
  'journal-restored',
  'epoch-began',
]);
const WAIT: ReadonlySet<string> = new Set([
  'order-in-doubt',
  'order-refunding',
  'card-refused',
  'card-left',
  'clock-step',
]);

function toneOf({ kind, body }: ToldFact): LogLine['tone'] {
  if (kind === 'device-changed' && (body as { usable?: boolean }).usable === false) return 'bad';
  if (BAD.has(kind)) return 'bad';
  return WAIT.has(kind) ? 'wait' : 'none';
}

type Books = Pick<Journal, 'head' | 'order' | 'readBack' | 'placeOfTime'>;
type Place = BackFrom['before'];
const placeName = ({ epoch, seq }: Place): string => `${epoch}-${seq}`;
const same = (a: Place, b: Place): boolean => a.epoch === b.epoch && a.seq === b.seq;
const behind = ({ epoch, seq }: Place): Place => ({ epoch, seq: seq + 1 });

/** What is being read: the facts found so far, and how far back was looked. */
interface Reading {
  readonly filter: LogFilter;
  readonly from: string;
  /** The newest fact that was looked at. */
  head: Place;
  facts: ToldFact[];
  /** Null: all were looked at. */
  reached: Place | null;
}

/**
 * Reads the log for the open screen, a stretch at each look, so that no look holds the core up
 * however long the journal is. What was read stays: only what is new is read again.
 */
export class LogReader {
  readonly #journal: Books;
  readonly #said: () => readonly ProgramLine[];
  #reading: Reading | null = null;

  /** @param said what the programs warned of, the newest first */
  constructor(journal: Books, said: () => readonly ProgramLine[]) {
    this.#journal = journal;
    this.#said = said;
  }

  /** What is to be shown now; while it says that it is searching, the next look goes on. */
  look(filter: LogFilter, from: string): LogsView {
    if (filter === 'program') return this.#programs();
    const reading = this.#goOn(filter, from);
    const full = reading.facts.length >= LOG_LINES;
    const { reached } = reading;
    const lastSeen = reading.facts.at(-1);
    return {
      filter,
      from,
      lines: reading.facts.map((fact) => this.#line(fact)),
      older: full && lastSeen !== undefined && reached !== null ? placeName(lastSeen) : null,
      searchingMs: full || reached === null ? null : this.#timeOf(reached),
    };
  }

  /** What is read is of no use any more: nobody looks. */
  forget(): void {
    this.#reading = null;
  }

  #goOn(filter: Exclude<LogFilter, 'program'>, from: string): Reading {
    const { head } = this.#journal;
    const kinds = filter === 'all' ? ALL : FILTERED[filter];
    let reading = this.#reading;
    if (reading?.filter !== filter || reading.from !== from) {
      const start = this.#start(from);
      reading = { filter, from, head, facts: [], reached: start };
      this.#reading = reading;
    } else if (from === '' && !same(reading.head, head)) {
      const fresh = this.#read({ before: behind(head), notBefore: behind(reading.head) }, kinds);
      reading.facts = [...fresh.facts, ...reading.facts].slice(0, LOG_LINES);
      reading.head = head;
    }
    const missing = LOG_LINES - reading.facts.length;
    if (missing > 0 && reading.reached !== null) {
      const more = this.#read({ before: reading.reached }, kinds, missing);
      reading.facts = [...reading.facts, ...more.facts];
      reading.reached = more.reached;
    }
    return reading;
  }

  #read(from: BackFrom, kinds: ReadonlySet<string>, most = LOG_LINES): BackRead {
    return this.#journal.readBack(from, kinds, most, STRETCH);
  }

  #start(from: string): Place {
    const { head } = this.#journal;
    const dayMs = chinaDayMs(from);
    if (!Number.isNaN(dayMs)) return this.#journal.placeOfTime(dayMs + DAY_MS);
    const [epoch, seq] = from.split('-').map(Number);
    return epoch === undefined || seq === undefined ? behind(head) : { epoch, seq };
  }

  #timeOf(place: Place): number {
    const { facts } = this.#journal.readBack(
      { before: behind(place), notBefore: place },
      ALL,
      1,
      1,
    );
    return facts[0]?.atMs ?? 0;
  }

  #line(fact: ToldFact): LogLine {
    const { atMs, kind, body, orderId } = fact;
    // Another machine's order, finished here, has no row and no story page.
    const own = orderId !== null && this.#journal.order(orderId) !== undefined;
    return { atMs, text: storyOf(kind, body), tone: toneOf(fact), orderId: own ? orderId : null };
  }

  #programs(): LogsView {
    this.#reading = null;
    const lines = this.#said()
      .slice(0, LOG_LINES * 2)
      .map(({ atMs, level, room, text }): LogLine => {
        const words = `${room}: ${text}`;
        const tone = level === 'error' ? 'bad' : 'wait';
        return { atMs, text: { zh: words, en: words }, tone, orderId: null };
      });
    return { filter: 'program', from: '', lines, older: null, searchingMs: null };
  }
}

const ALL: ReadonlySet<string> = new Set(KINDS);
const FILTERED: Readonly<Record<Matter, ReadonlySet<string>>> = {
  money: kindsOf('money'),
  card: kindsOf('card'),
  device: kindsOf('device'),
  people: kindsOf('people'),
  line: kindsOf('line'),
};
