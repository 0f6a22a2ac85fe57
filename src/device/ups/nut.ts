import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import type { Ups, UpsStatus } from './types.ts';

/** A connection to `upsd`. */
export interface UpsdLine {
  readonly write: (bytes: Uint8Array) => void;
  readonly onData: (listener: (bytes: Uint8Array) => void) => void;
  /** The connection is gone; said once. */
  readonly onClose: (listener: (cause: unknown) => void) => void;
  readonly close: () => Promise<void>;
}

export interface NutOptions {
  /** Connects; rejects while nobody listens. */
  readonly open: () => Promise<UpsdLine>;
  /** Its name in ups.conf. */
  readonly name: string;
  /** Of upsd.users, asked for at each connection. Reading needs none; some operators want one. */
  readonly login?: () => { readonly username: string; readonly password: string };
  readonly clock: Clock;
  readonly log: LogFn;
}

/** `upsd`'s port, by IANA (NUT developer guide, "Network protocol information"; RFC 9271). */
export const NUT_PORT = 3_493;
/**
 * `upsd` hears of its drivers about every two seconds (ups.conf, `pollinterval`); a UPS switches in
 * milliseconds and lasts for minutes.
 */
const POLL_MS = 2_000;
/** A healthy `upsd` answers from its memory. */
const ANSWER_MS = 5_000;
const BACK_OFF_MS = [1_000, 2_000, 5_000, 10_000] as const;
/** The longest line that is believed: upsd's own are a few hundred bytes. */
const MAX_LINE = 4_096;
/** More variables than any driver has. */
const MAX_LINES = 1_000;

/**
 * The words of a line: separated by blanks, "quoted" where one has blanks in it, with `\"` and `\\`
 * inside (NUT developer guide, "Command reference"). Null: a quote is not closed.
 */
export function wordsOf(line: string): readonly string[] | null {
  const words: string[] = [];
  const one = /\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))/gy;
  const text = line.trimEnd();
  while (one.lastIndex < text.length) {
    const found = one.exec(text);
    if (found === null) return null;
    words.push(found[1] === undefined ? (found[2] as string) : found[1].replaceAll(/\\(.)/g, '$1'));
  }
  return words;
}

/**
 * What `ups.status` means (NUT developer guide, "Status data": OL on line, OB on battery, LB low
 * battery, RB replace battery, CAL runtime calibration; RFC 9271).
 *
 * - FSD (forced shutdown) is "treated just like OB LB" (the guide's "FSD").
 * - LB alone, while the mains are on, is a battery that is being charged.
 * - A calibration is on battery because somebody wants it so: the mains are there.
 * - BYPASS feeds the machine from the mains, without the battery.
 */
export function statusOf(vars: ReadonlyMap<string, string>): UpsStatus {
  const said = vars.get('ups.status') ?? '';
  const flags = new Set(said.split(/\s+/));
  const forced = flags.has('FSD');
  const calibrating = flags.has('CAL');
  const battery = forced || (flags.has('OB') && !calibrating);
  const on = flags.has('OL') || flags.has('BYPASS') || calibrating;
  return {
    mains: battery ? 'battery' : on ? 'on' : 'unknown',
    low: battery && (forced || flags.has('LB')),
    replace: flags.has('RB'),
    chargePercent: numberOf(vars.get('battery.charge')),
    runtimeS: numberOf(vars.get('battery.runtime')),
    said,
  };
}

/** Values are decimal with a dot (the guide's "TYPE"); anything else is none. */
const numberOf = (value: string | undefined): number | null =>
  value !== undefined && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : null;

const UNKNOWN: UpsStatus = {
  mains: 'unknown',
  low: false,
  replace: false,
  chargePercent: null,
  runtimeS: null,
  said: '',
};

/**
 * A UPS through `upsd` of Network UPS Tools. Commands used (NUT developer guide, "Network protocol
 * information"; RFC 9271): `USERNAME`, `PASSWORD`, each answered `OK`; `LIST VAR <ups>`,
 * answered by `BEGIN LIST VAR <ups>`, a line `VAR <ups> <name> "<value>"` for each variable, `END
 * LIST VAR <ups>`; `LOGOUT`. `ERR DATA-STALE` and `ERR DRIVER-NOT-CONNECTED` say that upsd itself
 * does not know: then nobody does.
 */
export class NutUps implements Ups {
  readonly #o: NutOptions;
  readonly #changed = new Set<() => void>();
  #line: UpsdLine | null = null;
  #status: UpsStatus = UNKNOWN;
  #failure: Failure | null = failure('DEV-0301', 'not asked yet');
  #text = '';
  /** Takes each line of the answer that is awaited; null: none is. */
  #take: ((line: string) => void) | null = null;
  /** Ends the awaited answer: the connection is gone. */
  #break: ((cause: unknown) => void) | null = null;
  #looking: Promise<void> | null = null;
  #cancel: () => void = () => undefined;
  #fails = 0;
  #closed = false;

  constructor(options: NutOptions) {
    this.#o = options;
    void this.look();
  }

  readonly status = (): UpsStatus => this.#status;
  readonly failure = (): Failure | null => this.#failure;
  readonly onChange = (listener: () => void): (() => void) => {
    this.#changed.add(listener);
    return () => void this.#changed.delete(listener);
  };
  readonly close = async (): Promise<void> => {
    this.#closed = true;
    this.#cancel();
    const line = this.#line;
    this.#line = null;
    if (line === null) return;
    this.#break?.(new Error('closed'));
    line.write(bytesOf('LOGOUT\n'));
    await line.close();
  };
  readonly look = (): Promise<void> => {
    this.#looking ??= this.#round().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  };

  /** One question, and when the next one is due. */
  async #round(): Promise<void> {
    this.#cancel();
    if (this.#closed) return;
    try {
      await this.#connected();
      this.#heard(await this.#list());
      this.#fails = 0;
      this.#again(POLL_MS);
    } catch (cause) {
      await this.#lost(cause);
    }
  }

  #again(delayMs: number): void {
    if (!this.#closed) this.#cancel = this.#o.clock.after(delayMs, () => void this.look());
  }

  async #connected(): Promise<void> {
    if (this.#line !== null) return;
    const line = await this.#within(this.#o.open(), (late) => void late.close());
    if (this.#closed) {
      await line.close();
      throw new Error('closed');
    }
    this.#line = line;
    this.#text = '';
    line.onData((bytes) => this.#bytes(bytes));
    line.onClose((cause) => {
      if (this.#line !== line) return;
      this.#line = null;
      const broken = this.#break;
      if (broken === null) void this.#lost(cause);
      else broken(cause);
    });
    const login = this.#o.login?.();
    if (login === undefined) return;
    for (const command of [
      `USERNAME ${quoted(login.username)}`,
      `PASSWORD ${quoted(login.password)}`,
    ])
      await this.#ask(command, (first) => first.startsWith('OK'));
  }

  /** All variables of the UPS. */
  async #list(): Promise<ReadonlyMap<string, string>> {
    const { name } = this.#o;
    const lines = await this.#ask(
      `LIST VAR ${quoted(name)}`,
      (line) => wordsOf(line)?.slice(0, 3).join(' ') === 'END LIST VAR',
    );
    const vars = new Map<string, string>();
    for (const line of lines) {
      const [kind, of, key, value] = wordsOf(line) ?? [];
      if (kind === 'VAR' && of === name && key !== undefined && value !== undefined)
        vars.set(key, value);
    }
    return vars;
  }

  /** Sends a command; the lines of its answer. An `ERR`, silence or a lost connection throws. */
  #ask(command: string, isLast: (line: string) => boolean): Promise<readonly string[]> {
    const answer = new Promise<readonly string[]>((resolve, reject) => {
      const lines: string[] = [];
      this.#break = reject;
      this.#take = (line) => {
        lines.push(line);
        if (line.startsWith('ERR')) reject(new UpsdError(line.slice(4, 64)));
        else if (isLast(line)) resolve(lines);
        else if (lines.length > MAX_LINES) reject(new Error('an answer without an end'));
      };
    });
    this.#line?.write(bytesOf(`${command}\n`));
    return this.#within(answer, () => undefined).finally(() => {
      this.#take = null;
      this.#break = null;
    });
  }

  /** @param late what becomes of a result that came too late */
  #within<T>(work: Promise<T>, late: (value: T) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      let over = false;
      const cancel = this.#o.clock.after(ANSWER_MS, () => {
        over = true;
        reject(new Error('no answer'));
      });
      work.then(
        (value) => {
          cancel();
          if (over) late(value);
          else resolve(value);
        },
        (cause: unknown) => {
          cancel();
          reject(cause instanceof Error ? cause : new Error(String(cause)));
        },
      );
    });
  }

  #bytes(bytes: Uint8Array): void {
    this.#text += Buffer.from(bytes).toString('utf8');
    for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end).replace(/\r$/, '');
      this.#text = this.#text.slice(end + 1);
      this.#take?.(line);
    }
    if (this.#text.length > MAX_LINE) this.#break?.(new Error('a line without an end'));
  }

  #heard(vars: ReadonlyMap<string, string>): void {
    this.#set(statusOf(vars), null);
  }

  async #lost(cause: unknown): Promise<void> {
    if (this.#closed) return;
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#set(UNKNOWN, failure('DEV-0301', why, cause));
    // What upsd itself does not know it may know at any moment; anything else begins anew.
    if (!(cause instanceof UpsdError)) {
      const line = this.#line;
      this.#line = null;
      await line?.close().catch(() => undefined);
    }
    const delay = BACK_OFF_MS[Math.min(this.#fails++, BACK_OFF_MS.length - 1)] as number;
    this.#again(delay);
  }

  #set(status: UpsStatus, f: Failure | null): void {
    const before = JSON.stringify([this.#status, this.#failure?.detail ?? null]);
    if (status.mains !== this.#status.mains || (f === null) !== (this.#failure === null))
      this.#o.log(
        status.mains === 'on' ? 'info' : 'warn',
        'ups',
        f === null ? `${status.mains} (${status.said})` : `${f.code} ${f.detail ?? ''}`,
      );
    this.#status = status;
    this.#failure = f;
    if (JSON.stringify([status, f?.detail ?? null]) === before) return;
    for (const listener of this.#changed) listener();
  }
}

/** `upsd` was heard, and refuses. */
class UpsdError extends Error {}

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'));
const quoted = (word: string): string =>
  /^[\w.@-]+$/.test(word) ? word : `"${word.replaceAll(/(["\\])/g, '\\$1')}"`;
