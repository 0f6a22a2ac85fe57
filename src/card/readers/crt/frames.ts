import { concatBytes } from '../../../shared/bytes.ts';
import type { SerialFraming } from '../serial-line.ts';
import { FrameCutter } from './cutter.ts';

/**
 * Frames of the CRT-310, 571 and 591 motor readers, F2 dialect (cards.md 5.1; the QUIO QU-TK-F3 has
 * the same):
 *
 *     host   F2 ADDR LENH LENL 43 CM PM DATA… 03 BCC
 *     ok     F2 ADDR LENH LENL 50 CM PM st0 st1 st2 DATA… 03 BCC
 *     error  F2 ADDR LENH LENL 4E|45 CM PM e1 e0 DATA… 03 BCC
 *
 * LEN counts from 43/50/4E/45 to the last data byte; BCC is the XOR of everything from F2 to 03. A
 * frame is cut by its length and never at a 03, which is a common data byte.
 */

const STX = 0xf2;
const ETX = 0x03;
const COMMAND = 0x43;
const POSITIVE = 0x50;
/** Both stand for an error: which of them a device sends depends on its firmware. */
const NEGATIVE: ReadonlySet<number> = new Set([0x4e, 0x45]);
/** STX, address, length. */
const HEAD = 4;
/** ETX, BCC. */
const TAIL = 2;
/** 256 bytes of a card and what stands around them; a longer length is noise. */
const MAX_LENGTH = 600;

export const ACK = 0x06;
export const NAK = 0x15;
export const EOT = 0x04;

/** What came in on the line. */
export type CrtToken =
  | { readonly kind: 'ack' }
  | { readonly kind: 'nak' }
  | { readonly kind: 'eot' }
  /** Well formed. `status`: the three st bytes. */
  | {
      readonly kind: 'ok';
      readonly cm: number;
      readonly pm: number;
      readonly status: Uint8Array;
      readonly data: Uint8Array;
    }
  /** Well formed; `error`: the device's two characters. */
  | {
      readonly kind: 'error';
      readonly cm: number;
      readonly pm: number;
      readonly error: string;
      readonly data: Uint8Array;
    }
  /** A frame of its length whose check or shape is wrong: it is to be asked for again. */
  | { readonly kind: 'broken'; readonly detail: string };

function xor(bytes: Uint8Array): number {
  let sum = 0;
  for (const b of bytes) sum ^= b;
  return sum;
}

/** A command of the host, for device address 00 unless said. */
export function crtCommand(
  cm: number,
  pm: number,
  data: Uint8Array = new Uint8Array(0),
  address = 0x00,
): Uint8Array {
  const length = 3 + data.length;
  const body = concatBytes(
    Uint8Array.of(STX, address, length >>> 8, length & 0xff, COMMAND, cm, pm),
    data,
    Uint8Array.of(ETX),
  );
  return concatBytes(body, Uint8Array.of(xor(body)));
}

/**
 * Cuts the line's bytes into tokens, however they come in pieces. Bytes that begin nothing are
 * dropped.
 */
export class CrtParser {
  readonly #cutter = new FrameCutter({
    stx: STX,
    head: HEAD,
    minLength: 3,
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
  *push(bytes: Uint8Array): Generator<CrtToken> {
    for (const piece of this.#cutter.push(bytes)) {
      if (piece.kind === 'frame') yield tokenOf(piece.bytes);
      else if (piece.kind === 'noise') yield { kind: 'broken', detail: piece.detail };
      else if (piece.byte === ACK) yield { kind: 'ack' };
      else if (piece.byte === NAK) yield { kind: 'nak' };
      else if (piece.byte === EOT) yield { kind: 'eot' };
    }
  }
}

function tokenOf(frame: Uint8Array): CrtToken {
  const last = frame.length - 1;
  if (frame[last - 1] !== ETX) return { kind: 'broken', detail: 'no ETX at its end' };
  if (xor(frame.subarray(0, last)) !== frame[last]) return { kind: 'broken', detail: 'BCC' };
  const body = frame.subarray(HEAD, last - 1);
  const cm = body[1] as number;
  const pm = body[2] as number;
  if (body[0] === POSITIVE)
    return body.length < 6
      ? { kind: 'broken', detail: 'no status' }
      : { kind: 'ok', cm, pm, status: body.slice(3, 6), data: body.slice(6) };
  if (NEGATIVE.has(body[0] as number))
    return body.length < 5
      ? { kind: 'broken', detail: 'no error code' }
      : {
          kind: 'error',
          cm,
          pm,
          error: String.fromCharCode(body[3] as number, body[4] as number),
          data: body.slice(5),
        };
  return { kind: 'broken', detail: `begins with ${String(body[0])}` };
}

/** Commands (CM) whose data is a card's own command: CPU, SAM, SLE, I2C and RF cards. */
const CARD_COMMANDS: ReadonlySet<number> = new Set([0x51, 0x52, 0x53, 0x54, 0x60]);
/**
 * Before the data: of a command 43 CM PM, of an answer 50 CM PM and three status bytes, of an error
 * its two characters.
 */
const COMMAND_HEAD = HEAD + 3;
const ANSWER_HEAD = HEAD + 6;

/** How a recording cuts this line into frames, and finds cards' commands in them. */
export const CRT_FRAMING: SerialFraming = {
  cut: (bytes) => {
    if (bytes.length === 0) return null;
    if (bytes[0] !== STX) return 1;
    if (bytes.length < HEAD) return null;
    const end = HEAD + (((bytes[2] as number) << 8) | (bytes[3] as number)) + TAIL;
    return bytes.length < end ? null : end;
  },
  inner: (frame) => {
    if (frame.length <= HEAD || !CARD_COMMANDS.has(frame[HEAD + 1] as number)) return null;
    const at = frame[HEAD] === COMMAND ? COMMAND_HEAD : ANSWER_HEAD;
    return frame.length - TAIL > at ? at : null;
  },
  tail: TAIL,
  // Asked four times a second for as long as the kiosk runs.
  idle: crtCommand(0x31, 0x30),
};
