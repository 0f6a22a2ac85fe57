import { failure } from '../../../shared/errors.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { Clock } from '../../../shared/ports.ts';
import { err, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import type { SerialLine } from '../serial-line.ts';
import { Lane } from '../supervise.ts';
import { Waiting } from './cutter.ts';
import { ACK, CrtParser, EOT, NAK, crtCommand } from './frames.ts';
import type { CrtToken } from './frames.ts';

/** The device takes a command with 06 at once (cards.md 5.1: within 300 ms, else it is sent again). */
const ACK_TIMEOUT_MS = 300;
const SENDS = 3;
/** How often a broken answer is asked for again with 15. */
const REPEATS = 3;
/** A frame that stops in the middle. */
const GAP_MS = 200;
/** After 04 the device says 04 too; then the line is free. */
const CANCEL_TIMEOUT_MS = 500;

/** A device's positive answer. */
export interface CrtAnswer {
  readonly status: Uint8Array;
  readonly data: Uint8Array;
}
/** What a command came to. `refused`: the device answered with an error, its two characters. */
export type CrtOutcome =
  | { readonly kind: 'done'; readonly answer: CrtAnswer }
  | { readonly kind: 'refused'; readonly error: string; readonly data: Uint8Array };

/** One command at a time to a device, in the terms of the F2 dialect. */
export interface CrtPort {
  /**
   * One command and its end. CARD-0107: the port is gone, or the device does not answer to commands
   * at all; CARD-0106: it took the command and its answer never came whole: whether it was carried
   * out is not known.
   *
   * @param timeoutMs from taking the command to its answer
   * @param once it may change the card: sent again only where the device says that it did not take
   *   it. Its silence does not say that, since its 06 can be lost on the line
   */
  readonly command: (
    cm: number,
    pm: number,
    data: Uint8Array,
    timeoutMs: number,
    once?: boolean,
  ) => Promise<Result<CrtOutcome, Failure>>;
  readonly close: () => Promise<void>;
}

/**
 * The handshake of one line: one command at a time, taken with 06, answered with a frame, which is
 * taken with 06. A command is sent again only while the device has not taken it; an answer that
 * comes broken is asked for again, never the command: a device that moved a card must not move it
 * twice. What may change a card is not sent again after mere silence either: a code presented twice
 * could be its last try.
 */
export class CrtLink implements CrtPort {
  readonly #line: SerialLine;
  readonly #clock: Clock;
  readonly #lane = new Lane();
  readonly #parser = new CrtParser();
  #closed: Failure | null = null;
  #take: ((token: CrtToken | null) => void) | null = null;
  /** Tokens that came while nobody waited are late answers: dropped when a command begins. */
  readonly #queue = new Waiting<CrtToken>();
  #cancelGap: () => void = () => undefined;

  constructor(line: SerialLine, clock: Clock) {
    this.#line = line;
    this.#clock = clock;
    line.onData((bytes) => {
      this.#cancelGap();
      for (const token of this.#parser.push(bytes)) this.#got(token);
      this.#cancelGap = clock.after(GAP_MS, () => {
        if (this.#parser.reset() > 0)
          this.#got({ kind: 'broken', detail: 'stopped in the middle' });
      });
    });
    line.onClose((cause) => {
      this.#closed = failure('CARD-0107', 'the serial port is gone', cause);
      this.#take?.(null);
    });
  }

  command(
    cm: number,
    pm: number,
    data: Uint8Array,
    timeoutMs: number,
    once = false,
  ): Promise<Result<CrtOutcome, Failure>> {
    return this.#lane.run(() => this.#run(cm, pm, data, timeoutMs, once));
  }

  async close(): Promise<void> {
    this.#cancelGap();
    this.#closed ??= failure('CARD-0107', 'closed');
    this.#take?.(null);
    await this.#line.close();
  }

  #got(token: CrtToken): void {
    if (this.#take === null) this.#queue.put(token);
    else this.#take(token);
  }

  /** The next token; null: none within the time, or the port is gone. */
  #next(timeoutMs: number): Promise<CrtToken | null> {
    const waiting = this.#queue.take();
    if (waiting !== undefined) return Promise.resolve(waiting);
    // Out of time is out of time, however fast the line goes on.
    if (this.#closed !== null || timeoutMs <= 0) return Promise.resolve(null);
    return new Promise((resolve) => {
      const cancel = this.#clock.after(timeoutMs, () => this.#take?.(null));
      this.#take = (token) => {
        this.#take = null;
        cancel();
        resolve(token);
      };
    });
  }

  async #run(
    cm: number,
    pm: number,
    data: Uint8Array,
    timeoutMs: number,
    once: boolean,
  ): Promise<Result<CrtOutcome, Failure>> {
    if (this.#closed !== null) return err(this.#closed);
    this.#queue.forget();
    const what = `${cm.toString(16)} ${pm.toString(16)}`;
    const frame = crtCommand(cm, pm, data);
    let taken = false;
    let early: CrtToken | null = null;
    for (let sends = 0; sends < SENDS && !taken; sends++) {
      this.#line.write(frame);
      const end = this.#clock.monoMs() + ACK_TIMEOUT_MS;
      for (;;) {
        const token = await this.#next(Math.max(0, end - this.#clock.monoMs()));
        // Silence: it may have taken it all the same, and then its answer says so.
        if (token === null) taken = once;
        if (token === null || token.kind === 'nak') break;
        if (token.kind === 'ack') {
          taken = true;
          break;
        }
        // Its 06 was lost; the answer itself says that the command was taken.
        if ((token.kind === 'ok' || token.kind === 'error') && token.cm === cm && token.pm === pm) {
          taken = true;
          early = token;
          break;
        }
      }
      if (this.#closed !== null) return err(this.#closed);
    }
    if (!taken) return err(failure('CARD-0107', `command ${what}: not taken in ${SENDS} sends`));

    const end = this.#clock.monoMs() + timeoutMs;
    for (let repeats = 0; ;) {
      const token = early ?? (await this.#next(Math.max(0, end - this.#clock.monoMs())));
      early = null;
      if (token === null) {
        if (this.#closed !== null) return err(this.#closed);
        await this.#cancel();
        return err(failure('CARD-0106', `command ${what}: no answer in ${timeoutMs} ms`));
      }
      if (token.kind === 'broken') {
        if (++repeats > REPEATS) {
          await this.#cancel();
          return err(
            failure(
              'CARD-0106',
              `command ${what}: answer broken ${repeats} times, ${token.detail}`,
            ),
          );
        }
        this.#line.write(Uint8Array.of(NAK));
        continue;
      }
      if (token.kind === 'eot')
        return err(failure('CARD-0106', `command ${what}: given up by the device`));
      // A second 06 and answers to earlier commands are taken and dropped.
      if (token.kind === 'ack' || token.kind === 'nak') continue;
      this.#line.write(Uint8Array.of(ACK));
      if (token.cm !== cm || token.pm !== pm) continue;
      return ok(
        token.kind === 'ok'
          ? { kind: 'done', answer: { status: token.status, data: token.data } }
          : { kind: 'refused', error: token.error, data: token.data },
      );
    }
  }

  /** Gives the running command up. */
  async #cancel(): Promise<void> {
    this.#line.write(Uint8Array.of(EOT));
    const end = this.#clock.monoMs() + CANCEL_TIMEOUT_MS;
    for (let token = await this.#next(CANCEL_TIMEOUT_MS); token !== null && token.kind !== 'eot';)
      token = await this.#next(Math.max(0, end - this.#clock.monoMs()));
  }
}
