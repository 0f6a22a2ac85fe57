import { concatBytes } from '../../../shared/bytes.ts';
import { failure } from '../../../shared/errors.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { Clock } from '../../../shared/ports.ts';
import { err, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import { Lane } from '../supervise.ts';
import { ACK, EOT, NAK } from './frames.ts';
import { FrameCutter, Waiting } from './cutter.ts';
import type { CrtOutcome, CrtPort } from './link.ts';
import type { SerialLine } from '../serial-line.ts';

/**
 * The old `02` dialect of the CRT-310 (and of the CRT-188 and 288, which move nothing):
 *
 *     host     02 LENH LENL CM PM DATA… 03 BCC
 *     device   06, or 15: send it again
 *     host     05: carry it out
 *     ok       02 LENH LENL CM PM DATA… 03 BCC
 *     error    02 LENH LENL 4E CM ERROR… 03 BCC
 *     host     06;  04 in between gives the command up
 *
 * LEN counts from CM to the last data byte; BCC is the XOR of everything from 02 to 03. Sources:
 * cards.md 5.1; the CRT-188's "additional commands" sheet (slideshare 15292950); drivers in
 * TheTrueTrooper/NFCPrintingSelfServeKiosk… (CardReader_CRT310, called TT below) and three others
 * that name no licence: a bank terminal's C# class for a card reader with these frames (B), a
 * controller's C file (A), a dispenser's Python script (P). What only one of them says is marked.
 *
 * A command begins with 05 and not before, so until then it may be sent again; afterwards it never
 * is.
 */
const STX = 0x02;
const ETX = 0x03;
const ENQ = 0x05;
const NEGATIVE = 0x4e;
const HEAD = 3;
const TAIL = 2;
/** An APDU of 262 bytes and what stands around it; a longer length is noise. */
const MAX_LENGTH = 600;
const ACK_TIMEOUT_MS = 300;
const SENDS = 3;
const REPEATS = 3;
const GAP_MS = 200;
const CANCEL_TIMEOUT_MS = 500;

/** Commands of the dialect. */
export const CRT02 = {
  /** TT, B, cards.md: PM 30 leaves a card where it is; the answer is the version's text. */
  reset: 0x30,
  resetKeep: 0x30,
  /** TT, B, A, P. */
  status: 0x31,
  state: 0x30,
  /** TT, B, A, P; its PMs stand in the model's table. */
  move: 0x32,
  /** B, P: one byte for the front, one for the rear. */
  entry: 0x2f,
  /** B, P: the front is shut. */
  frontShut: 0x31,
  /**
   * [K] B and P name 31 (shut) and 32 (only a magnetic card opens it); that 33 lets every card in
   * by its switch follows from the order in which the status tells them. It is read back: see
   * {@link FRONT_OPEN}.
   */
  frontOpen: 0x33,
  /** B, P. */
  rearShut: 0x31,
  /** B: cold reset of a processor card, and a command to it with its length in two bytes. */
  cpu: 0x37,
  cpuReset: 0x30,
  cpuApdu: 0x31,
} as const;

/**
 * Where the card is (TT, P), as the reader knows it of the F2 dialect: 30 none, 31 at the gate, 32
 * inside.
 */
const PLACES: ReadonlyMap<number, number> = new Map([
  [0x48, 0x31],
  [0x49, 0x31],
  [0x4a, 0x32],
  [0x4b, 0x32],
  [0x4c, 0x32],
  [0x4d, 0x30],
  [0x4e, 0x30],
]);
/** TT, P: what the front is set to. Any card by the switch; none. */
const FRONT_OPEN = 0x4a;
const FRONT_SHUT = 0x4e;
/** cards.md, TT: how a motion or a card's operation ended. */
const DONE = 0x59;

function xor(bytes: Uint8Array): number {
  return bytes.reduce((sum, b) => sum ^ b, 0);
}

/** A command of the host. */
export function crt02Command(
  cm: number,
  pm: number,
  data: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const length = 2 + data.length;
  const body = concatBytes(
    Uint8Array.of(STX, length >>> 8, length & 0xff, cm, pm),
    data,
    Uint8Array.of(ETX),
  );
  return concatBytes(body, Uint8Array.of(xor(body)));
}

export type Crt02Token =
  | { readonly kind: 'ack' | 'nak' | 'eot' }
  /** Well formed. An error has 4E for its `cm` and the command's for its `pm`. */
  | { readonly kind: 'frame'; readonly cm: number; readonly pm: number; readonly data: Uint8Array }
  | { readonly kind: 'broken'; readonly detail: string };

/**
 * Cuts the line's bytes by length, however they come in pieces. Bytes that begin nothing are
 * dropped.
 */
export class Crt02Parser {
  readonly #cutter = new FrameCutter({
    stx: STX,
    head: HEAD,
    minLength: 2,
    maxLength: MAX_LENGTH,
    tail: TAIL,
  });

  /**
   * Forgets a frame that stopped in the middle.
   *
   * @returns how many bytes were thrown away
   */
  reset(): number {
    return this.#cutter.reset();
  }

  /** Tokens one by one, so that noise is never kept whole. */
  *push(bytes: Uint8Array): Generator<Crt02Token> {
    for (const piece of this.#cutter.push(bytes)) {
      if (piece.kind === 'frame') yield tokenOf(piece.bytes);
      else if (piece.kind === 'noise') yield { kind: 'broken', detail: piece.detail };
      else if (piece.byte === ACK) yield { kind: 'ack' };
      else if (piece.byte === NAK) yield { kind: 'nak' };
      else if (piece.byte === EOT) yield { kind: 'eot' };
    }
  }
}

function tokenOf(frame: Uint8Array): Crt02Token {
  const last = frame.length - 1;
  if (frame[last - 1] !== ETX) return { kind: 'broken', detail: 'no ETX at its end' };
  if (xor(frame.subarray(0, last)) !== frame[last]) return { kind: 'broken', detail: 'BCC' };
  const [cm, pm] = [frame[HEAD] as number, frame[HEAD + 1] as number];
  return { kind: 'frame', cm, pm, data: frame.slice(HEAD + 2, last - 1) };
}

type Answer = Result<
  | { readonly kind: 'done'; readonly data: Uint8Array }
  | { readonly kind: 'refused'; readonly error: string },
  Failure
>;

/**
 * A line to such a device that is spoken to as if it had the F2 dialect: the reader above it is the
 * same. What this dialect has no confirmed command for (memory cards, SAM slots) is refused like by
 * a device that does not know it, and nothing is sent.
 */
export class Crt02Link implements CrtPort {
  readonly #line: SerialLine;
  readonly #clock: Clock;
  readonly #lane = new Lane();
  readonly #parser = new Crt02Parser();
  #closed: Failure | null = null;
  #take: ((token: Crt02Token | null) => void) | null = null;
  readonly #queue = new Waiting<Crt02Token>();
  #cancelGap: () => void = () => undefined;
  /** What the front was told, while no card came. */
  #front: number | null = null;

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
  ): Promise<Result<CrtOutcome, Failure>> {
    return this.#lane.run(() => this.#translate(cm, pm, data, timeoutMs));
  }

  async close(): Promise<void> {
    this.#cancelGap();
    this.#closed ??= failure('CARD-0107', 'closed');
    this.#take?.(null);
    await this.#line.close();
  }

  async #translate(
    cm: number,
    pm: number,
    data: Uint8Array,
    timeoutMs: number,
  ): Promise<Result<CrtOutcome, Failure>> {
    const none = new Uint8Array(0);
    const refused = (error: string): Result<CrtOutcome, Failure> =>
      ok({ kind: 'refused', error, data: none });
    const done = (answer: Uint8Array, place = 0x30): Result<CrtOutcome, Failure> =>
      ok({ kind: 'done', answer: { status: Uint8Array.of(place, 0x30, 0x30), data: answer } });
    const ask = (c: number, p: number, d: Uint8Array = none): Promise<Answer> =>
      this.#run(c, p, d, timeoutMs);
    const status = async (): Promise<Answer> => {
      const state = await ask(CRT02.status, CRT02.state);
      return state.ok && state.value.kind === 'done' && state.value.data.length < 3
        ? err(failure('CARD-0106', `status of ${state.value.data.length} bytes`))
        : state;
    };
    /** An answer whose first byte says how it ended. */
    const ended = (answer: Answer): Result<Uint8Array, Result<CrtOutcome, Failure>> => {
      if (!answer.ok) return err(answer);
      if (answer.value.kind === 'refused') return err(refused(answer.value.error));
      const how = answer.value.data[0] ?? 0;
      return how === DONE
        ? ok(answer.value.data.subarray(1))
        : err(refused(`P${String.fromCharCode(how)}`));
    };
    switch (cm) {
      case 0xa4:
      case 0x30: {
        const reset = await ask(CRT02.reset, CRT02.resetKeep);
        this.#front = null;
        if (!reset.ok) return reset;
        return reset.value.kind === 'refused' ? refused(reset.value.error) : done(reset.value.data);
      }
      case 0x31: {
        const state = await status();
        if (!state.ok) return state;
        if (state.value.kind === 'refused') return refused(state.value.error);
        const place = PLACES.get(state.value.data[0] as number);
        if (place === undefined)
          return refused(`S${String.fromCharCode(state.value.data[0] as number)}`);
        // Behind a card some shut by themselves; an empty one that is not as it was told has lost
        // its power.
        if (place !== 0x30) this.#front = null;
        else if (this.#front !== null && state.value.data[1] !== this.#front) return refused('B0');
        return done(none, place);
      }
      case 0x32: {
        const moved = ended(await ask(CRT02.move, pm));
        return moved.ok ? done(none) : moved.error;
      }
      case 0x33: {
        const open = pm === 0x30;
        const told = ended(
          await ask(
            CRT02.entry,
            open ? CRT02.frontOpen : CRT02.frontShut,
            Uint8Array.of(CRT02.rearShut),
          ),
        );
        if (!told.ok) return told.error;
        // The code for "any card" is not confirmed; what it did is.
        const state = await status();
        if (!state.ok) return state;
        if (state.value.kind === 'refused') return refused(state.value.error);
        const wanted = open ? FRONT_OPEN : FRONT_SHUT;
        if (state.value.data[1] !== wanted) return refused('F');
        this.#front = wanted;
        return done(none);
      }
      case 0x51: {
        // Moving takes the contacts off; a command to power off is not confirmed.
        if (pm === 0x31) return done(none);
        if (pm === 0x30) {
          const reset = ended(await ask(CRT02.cpu, CRT02.cpuReset));
          if (!reset.ok) return reset.error;
          const [kind = 0x30, length = 0] = reset.value;
          const atr = reset.value.slice(2, 2 + length);
          if (length < 2 || atr.length !== length) return refused('69');
          return offersT0(atr) ? done(concatBytes(Uint8Array.of(kind), atr)) : refused('64');
        }
        if (pm !== 0x39) return refused('03');
        const answer = ended(
          await ask(
            CRT02.cpu,
            CRT02.cpuApdu,
            concatBytes(Uint8Array.of(data.length >>> 8, data.length & 0xff), data),
          ),
        );
        if (!answer.ok) return answer.error;
        const length = ((answer.value[0] ?? 0) << 8) | (answer.value[1] ?? 0);
        return answer.value.length === 2 + length
          ? done(answer.value.slice(2))
          : err(failure('CARD-0106', `APDU: ${answer.value.length - 2} of ${length} bytes`));
      }
      default:
        return refused('03');
    }
  }

  #got(token: Crt02Token): void {
    if (this.#take === null) this.#queue.put(token);
    else this.#take(token);
  }

  #next(timeoutMs: number): Promise<Crt02Token | null> {
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

  /** One command and its end; failures as {@link CrtPort.command}. */
  async #run(cm: number, pm: number, data: Uint8Array, timeoutMs: number): Promise<Answer> {
    if (this.#closed !== null) return err(this.#closed);
    this.#queue.forget();
    const what = `${cm.toString(16)} ${pm.toString(16)}`;
    const frame = crt02Command(cm, pm, data);
    let taken = false;
    for (let sends = 0; sends < SENDS && !taken; sends++) {
      this.#line.write(frame);
      const end = this.#clock.monoMs() + ACK_TIMEOUT_MS;
      for (;;) {
        const token = await this.#next(Math.max(0, end - this.#clock.monoMs()));
        if (token === null || token.kind === 'nak') break;
        if (token.kind === 'ack') {
          taken = true;
          break;
        }
      }
      if (this.#closed !== null) return err(this.#closed);
    }
    if (!taken) return err(failure('CARD-0107', `command ${what}: not taken in ${SENDS} sends`));

    this.#line.write(Uint8Array.of(ENQ));
    const end = this.#clock.monoMs() + timeoutMs;
    for (let repeats = 0; ;) {
      const token = await this.#next(Math.max(0, end - this.#clock.monoMs()));
      if (token === null) {
        if (this.#closed !== null) return err(this.#closed);
        await this.#cancel();
        return err(failure('CARD-0106', `command ${what}: no answer in ${timeoutMs} ms`));
      }
      if (token.kind === 'eot')
        return err(failure('CARD-0106', `command ${what}: given up by the device`));
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
        // [K] that it says its answer again; where it does not, the time runs out and the end is
        // not known.
        this.#line.write(Uint8Array.of(NAK));
        continue;
      }
      if (token.kind !== 'frame') continue;
      this.#line.write(Uint8Array.of(ACK));
      if (token.cm === NEGATIVE && token.pm === cm)
        return ok({
          kind: 'refused',
          error: `E${[...token.data].map((b) => String.fromCharCode(b)).join('')}`,
        });
      if (token.cm !== cm || token.pm !== pm) continue;
      return ok({ kind: 'done', data: token.data });
    }
  }

  async #cancel(): Promise<void> {
    this.#line.write(Uint8Array.of(EOT));
    const end = this.#clock.monoMs() + CANCEL_TIMEOUT_MS;
    for (let token = await this.#next(CANCEL_TIMEOUT_MS); token !== null && token.kind !== 'eot';)
      token = await this.#next(Math.max(0, end - this.#clock.monoMs()));
  }
}

/**
 * ISO 7816-3: TD1 names the first protocol; without one it is T=0. The command for T=1 is not
 * confirmed.
 */
function offersT0(atr: Uint8Array): boolean {
  const t0 = atr[1] as number;
  if ((t0 & 0x80) === 0) return true;
  const td1 = 2 + [0x10, 0x20, 0x40].filter((bit) => (t0 & bit) !== 0).length;
  return ((atr[td1] ?? 0) & 0x0f) === 0;
}
