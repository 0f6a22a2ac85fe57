import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { FrameReader } from './framing.ts';
import type { Framed, ScannerFraming } from './framing.ts';
import type { ScannerModel } from './models.ts';
import type { Scanner } from './types.ts';

/** A line to a scanner: a serial port, or the demo's over TCP. */
export interface ScannerLine {
  readonly write: (bytes: Uint8Array) => void;
  readonly onData: (listener: (bytes: Uint8Array) => void) => void;
  /** The line is gone; said once. */
  readonly onClose: (listener: (cause: unknown) => void) => void;
  readonly close: () => Promise<void>;
}

/** A code without an end is over when the line is quiet for so long (cards.md 5.3: 50 to 100 ms). */
const QUIET_MS = 100;
const BACK_OFF_MS = [500, 1_000, 2_000, 5_000] as const;

export interface LineScannerOptions {
  readonly open: () => Promise<ScannerLine>;
  readonly model: ScannerModel;
  /** Left out: however it frames its codes. */
  readonly framing?: ScannerFraming;
  readonly clock: Clock;
  readonly log: LogFn;
}

/**
 * A scanner on a line: it sends each code as text, framed in one of the usual ways or as
 * configured.
 */
export class LineScanner implements Scanner {
  readonly #o: LineScannerOptions;
  readonly #changed = new Set<() => void>();
  readonly #codes = new Set<(code: string) => void>();
  #line: ScannerLine | null = null;
  #failure: Failure | null = failure('DEV-0201', 'not opened yet');
  #looks = false;
  readonly #frames: FrameReader;
  #cancelQuiet: () => void = () => undefined;
  #cancelRetry: () => void = () => undefined;
  #fails = 0;
  #closed = false;

  constructor(options: LineScannerOptions) {
    this.#o = options;
    this.#frames = new FrameReader(options.framing ?? {});
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
    for (const one of this.#frames.push(bytes)) this.#tell(one);
    this.#cancelQuiet();
    if (this.#frames.begun)
      this.#cancelQuiet = this.#o.clock.after(QUIET_MS, () => {
        const last = this.#frames.end();
        if (last !== null) this.#tell(last);
      });
  }

  /** Of a code nothing is ever written down. */
  #tell(one: Framed): void {
    if (one.kind === 'noise')
      this.#o.log(
        'warn',
        'scanner',
        `unreadable bytes dropped (${one.readable} readable among them)`,
      );
    else for (const listener of this.#codes) listener(one.code);
  }

  #forget(): void {
    this.#cancelQuiet();
    this.#cancelQuiet = () => undefined;
    this.#frames.forget();
  }
}
