import type { Clock, LogFn } from '../../shared/ports.ts';
import type { Headphones } from './types.ts';

/** Where the kernel's input events come from: `/dev/input/event*`, or a file in tests and demo. */
export interface InputSource {
  /** What came since the last read; empty: nothing. Rejects when the device is gone. */
  readonly read: () => Promise<Uint8Array>;
  readonly close: () => Promise<void>;
}

/**
 * `struct input_event` on 64-bit Linux: two longs of time, then type, code and value
 * (include/uapi/linux/input.h); all in the machine's order, which is little endian on x86-64 and
 * arm64.
 */
const EVENT_BYTES = 24;
const [AT_TYPE, AT_CODE, AT_VALUE] = [16, 18, 20];
/** Types and codes of events (include/uapi/linux/input-event-codes.h). */
const EV_SYN = 0x00;
/** More came than the kernel keeps for a reader: some of it is lost, the newest events follow. */
const SYN_DROPPED = 0x03;
const EV_SW = 0x05;
const SW_HEADPHONE_INSERT = 0x02;

/** Whoever plugs in looks for the socket first: nobody notices a quarter of a second. */
const LOOK_MS = 250;
const BACK_OFF_MS = [500, 1_000, 2_000, 5_000] as const;

/** What an {@link EvdevHeadphones} stands on. */
export interface EvdevOptions {
  readonly open: () => Promise<InputSource>;
  readonly clock: Clock;
  readonly log: LogFn;
}

/**
 * A jack of the sound card as the kernel tells of it. The kernel tells changes only: what is
 * plugged in while the machine starts is known once it is pulled and plugged in again.
 */
export class EvdevHeadphones implements Headphones {
  readonly #o: EvdevOptions;
  readonly #changed = new Set<() => void>();
  #source: InputSource | null = null;
  #plugged = false;
  #failure: string | null = 'not opened yet';
  /** The beginning of an event whose rest has not come. */
  #rest = new Uint8Array();
  #cancel: () => void = () => undefined;
  #fails = 0;
  #closed = false;

  constructor(options: EvdevOptions) {
    this.#o = options;
    void this.#open();
  }

  readonly plugged = (): boolean => this.#plugged;
  readonly failure = (): string | null => this.#failure;
  readonly onChange = (listener: () => void): (() => void) => {
    this.#changed.add(listener);
    return () => void this.#changed.delete(listener);
  };
  readonly close = async (): Promise<void> => {
    this.#closed = true;
    this.#cancel();
    await this.#source?.close();
    this.#source = null;
  };

  async #open(): Promise<void> {
    try {
      const source = await this.#o.open();
      if (this.#closed) return await source.close();
      this.#source = source;
      this.#fails = 0;
      this.#rest = new Uint8Array();
      this.#set(this.#plugged, null);
      await this.#look(source);
    } catch (cause) {
      this.#lost(cause);
    }
  }

  async #look(source: InputSource): Promise<void> {
    try {
      const bytes = await source.read();
      if (this.#closed) return;
      if (bytes.length > 0) this.#take(bytes);
      this.#cancel = this.#o.clock.after(LOOK_MS, () => void this.#look(source));
    } catch (cause) {
      this.#source = null;
      await source.close().catch(() => undefined);
      this.#lost(cause);
    }
  }

  #take(bytes: Uint8Array): void {
    const all = new Uint8Array([...this.#rest, ...bytes]);
    const view = new DataView(all.buffer);
    let at = 0;
    let plugged = this.#plugged;
    for (; at + EVENT_BYTES <= all.length; at += EVENT_BYTES) {
      const type = view.getUint16(at + AT_TYPE, true);
      const code = view.getUint16(at + AT_CODE, true);
      if (type === EV_SW && code === SW_HEADPHONE_INSERT)
        plugged = view.getInt32(at + AT_VALUE, true) === 1;
      // The pull may be what was lost: nothing that only headphones may say is said on a guess.
      if (type === EV_SYN && code === SYN_DROPPED) plugged = false;
    }
    this.#rest = all.slice(at);
    this.#set(plugged, null);
  }

  /** What cannot be heard any more is as if it were pulled: the loudspeaker's rules hold. */
  #lost(cause: unknown): void {
    if (this.#closed) return;
    this.#set(false, cause instanceof Error ? cause.message : String(cause));
    const delay = BACK_OFF_MS[Math.min(this.#fails++, BACK_OFF_MS.length - 1)] as number;
    this.#cancel = this.#o.clock.after(delay, () => void this.#open());
  }

  #set(plugged: boolean, failure: string | null): void {
    const same = plugged === this.#plugged && (failure === null) === (this.#failure === null);
    this.#plugged = plugged;
    this.#failure = failure;
    if (same) return;
    this.#o.log(
      failure === null ? 'info' : 'warn',
      'headphones',
      failure ?? (plugged ? 'plugged in' : 'not plugged in'),
    );
    for (const listener of this.#changed) listener();
  }
}
