import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { MAX_CODE, bareCode, isFraming } from '../../shared/scanned.ts';
import type { Scanner } from './types.ts';

/** A line to a scanner: a serial port, or the demo's over TCP. */
export interface ScannerLine {
  readonly write: (bytes: Uint8Array) => void;
  readonly onData: (listener: (bytes: Uint8Array) => void) => void;
  /** The line is gone; said once. */
  readonly onClose: (listener: (cause: unknown) => void) => void;
  readonly close: () => Promise<void>;
}

/** What differs between models: the bytes of the trigger, or none where it looks by itself. */
export interface ScannerModel {
  readonly on: readonly number[] | null;
  readonly off: readonly number[] | null;
}
/** How scanners are told to look, by model. */
export const SCANNER_MODELS = {
  /** Looks by itself (presentation mode), as most fixed scanners are set up. */
  plain: { on: null, off: null },
  /**
   * Honeywell serial trigger, 16 54 0D and 16 55 0D; the scanner must be set to trigger mode
   * (cards.md 5.3: weak source).
   */
  honeywell: { on: [0x16, 0x54, 0x0d], off: [0x16, 0x55, 0x0d] },
} as const satisfies Record<string, ScannerModel>;
export type ScannerModelName = keyof typeof SCANNER_MODELS;

/** A code without its CR is over when the line is quiet for so long (cards.md 5.3: 50 to 100 ms). */
const QUIET_MS = 100;
/** What scanners send behind a code (cards.md 5.3; TAB for forms), and before the next (STX … ETX). */
const [CR, LF, TAB, STX] = [0x0d, 0x0a, 0x09, 0x02];
const BACK_OFF_MS = [500, 1_000, 2_000, 5_000] as const;

export interface LineScannerOptions {
  readonly open: () => Promise<ScannerLine>;
  readonly model: ScannerModel;
  readonly clock: Clock;
  readonly log: LogFn;
}

/** A scanner that sends each code as text ended by CR, LF, TAB or silence, framed or not. */
export class LineScanner implements Scanner {
  readonly #o: LineScannerOptions;
  readonly #changed = new Set<() => void>();
  readonly #codes = new Set<(code: string) => void>();
  #line: ScannerLine | null = null;
  #failure: Failure | null = failure('DEV-0201', 'not opened yet');
  #looks = false;
  #text = '';
  /** Framing came behind the code: nothing more belongs to it. */
  #edge = false;
  #noise = false;
  #cancelQuiet: () => void = () => undefined;
  #cancelRetry: () => void = () => undefined;
  #fails = 0;
  #closed = false;

  constructor(options: LineScannerOptions) {
    this.#o = options;
    void this.#open();
  }

  readonly failure = (): Failure | null => this.#failure;

  readonly onChange = (listener: () => void): (() => void) => {
    this.#changed.add(listener);
    return () => void this.#changed.delete(listener);
  };

  readonly onCode = (listener: (code: string) => void): (() => void) => {
    this.#codes.add(listener);
    return () => void this.#codes.delete(listener);
  };

  readonly look = (on: boolean): void => {
    if (this.#looks === on) return;
    this.#looks = on;
    // What it read before it was asked to look is nobody's code.
    this.#forget();
    this.#trigger();
  };

  readonly close = async (): Promise<void> => {
    this.#closed = true;
    this.#cancelRetry();
    this.#forget();
    await this.#line?.close();
    this.#line = null;
  };

  #trigger(): void {
    const bytes = this.#looks ? this.#o.model.on : this.#o.model.off;
    if (bytes !== null) this.#line?.write(Uint8Array.from(bytes));
  }

  async #open(): Promise<void> {
    try {
      const line = await this.#o.open();
      if (this.#closed) {
        await line.close();
        return;
      }
      this.#line = line;
      this.#fails = 0;
      line.onData((bytes) => this.#take(bytes));
      line.onClose((cause) => {
        if (this.#line !== line) return;
        this.#line = null;
        this.#forget();
        this.#lost(cause);
      });
      this.#set(null);
      this.#trigger();
    } catch (cause) {
      this.#lost(cause);
    }
  }

  #lost(cause: unknown): void {
    if (this.#closed) return;
    this.#set(
      failure('DEV-0201', cause instanceof Error ? cause.message : 'the line is gone', cause),
    );
    const delay = BACK_OFF_MS[Math.min(this.#fails++, BACK_OFF_MS.length - 1)] as number;
    this.#cancelRetry = this.#o.clock.after(delay, () => void this.#open());
  }

  #set(f: Failure | null): void {
    if ((f === null) === (this.#failure === null) && this.#fails > 0) return;
    this.#failure = f;
    this.#o.log(
      f === null ? 'info' : 'warn',
      'scanner',
      f === null ? 'online' : `${f.code} ${f.detail ?? ''}`,
    );
    for (const listener of this.#changed) listener();
  }

  #take(bytes: Uint8Array): void {
    if (!this.#looks) return;
    for (const byte of bytes) {
      if (byte === CR || byte === LF || byte === TAB) this.#end();
      // The next code's beginning ends one that came without an end of its own.
      else if (byte === STX && this.#text !== '') this.#end();
      else if (isFraming(byte)) this.#edge = this.#text !== '';
      else if (this.#edge) {
        // Framing with more behind it: at the beginning of another code, or the line garbles.
        this.#noise = true;
      } else if (byte < 0x20 || byte > 0x7e || this.#text.length >= MAX_CODE) this.#noise = true;
      else this.#text += String.fromCodePoint(byte);
    }
    this.#cancelQuiet();
    if (this.#text !== '' || this.#noise)
      this.#cancelQuiet = this.#o.clock.after(QUIET_MS, () => this.#end());
  }

  #end(): void {
    const code = bareCode(this.#text);
    const { length } = code;
    const noise = this.#noise;
    this.#forget();
    if (noise) {
      this.#o.log('warn', 'scanner', `unreadable bytes dropped (${length} readable among them)`);
      return;
    }
    if (length > 0) for (const listener of this.#codes) listener(code);
  }

  #forget(): void {
    this.#cancelQuiet();
    this.#cancelQuiet = () => undefined;
    this.#text = '';
    this.#edge = false;
    this.#noise = false;
  }
}
