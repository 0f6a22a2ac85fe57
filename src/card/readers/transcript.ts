import { toHex } from '../../shared/bytes.ts';

/**
 * What went over a reader's wire, as text that can be read, kept and replayed
 * (docs/transcripts.md):
 *
 *     insert ATR | mute     a card came               remove        it left
 *     connect N             protocol 1 T=0, 2 T=1     reset, release   the connection ends, with or without a reset
 *     => HEX                to the card or device     <= HEX        from it
 *     <! TEXT               the call failed so        gone TEXT     the reader or its service went away
 *     # TEXT                a comment
 *
 * A byte that a masked transcript hides is `XX`.
 */
export class Transcript {
  readonly #write: (line: string) => void;
  readonly #masked: boolean;
  #command: Uint8Array = new Uint8Array(0);
  /** Card type of the last SELECT_CARD_TYPE: where a chip keeps its code depends on it. */
  #chip = 0;

  /** @param masked hide codes, PINs and keys; off only where the sample keys are the ones in use */
  constructor(write: (line: string) => void, masked: boolean) {
    this.#write = write;
    this.#masked = masked;
  }

  note(text: string): void {
    this.#write(`# ${text}`);
  }
  insert(atr: Uint8Array): void {
    this.#chip = 0;
    this.#write(atr.length === 0 ? 'insert mute' : `insert ${toHex(atr)}`);
  }
  remove(): void {
    this.#write('remove');
  }
  connect(protocol: number): void {
    this.#write(`connect ${protocol}`);
  }
  reset(): void {
    this.#write('reset');
  }
  release(): void {
    this.#write('release');
  }
  failed(text: string): void {
    this.#write(`<! ${text}`);
  }
  gone(text: string): void {
    this.#write(`gone ${text}`);
  }

  /** A command to the card. */
  sent(apdu: Uint8Array): void {
    this.#command = apdu;
    if (apdu[0] === PSEUDO && apdu[1] === SELECT_TYPE) this.#chip = apdu[5] ?? 0;
    this.#write(`=> ${this.#hex(apdu, hiddenInCommand(apdu, this.#chip))}`);
  }
  /** The card's answer to the command sent last. */
  got(answer: Uint8Array): void {
    this.#write(
      `<= ${this.#hex(answer, hiddenInAnswer(this.#command, this.#chip, Math.max(0, answer.length - 2)))}`,
    );
  }
  /**
   * A frame to a serial device (or a single byte of its handshake). `inner`: where a card's command
   * begins in it.
   */
  sentFrame(frame: Uint8Array, inner: number | null, tail: number): void {
    if (inner === null) {
      this.#write(`=> ${toHex(frame)}`);
      return;
    }
    const apdu = frame.subarray(inner, frame.length - tail);
    this.#command = apdu;
    this.#write(`=> ${this.#hex(frame, framed(hiddenInCommand(apdu, 0), inner, frame.length))}`);
  }
  gotFrame(frame: Uint8Array, inner: number | null, tail: number): void {
    const hidden =
      inner === null
        ? []
        : framed(
            hiddenInAnswer(this.#command, 0, Math.max(0, frame.length - tail - inner - 2)),
            inner,
            frame.length,
          );
    this.#write(`<= ${this.#hex(frame, hidden)}`);
  }
  /** Bytes that are no whole frame: nobody can say what is in them. */
  gotPieces(bytes: Uint8Array): void {
    this.#write(`<= ${this.#hex(bytes, [[0, bytes.length]])}`);
  }

  #hex(bytes: Uint8Array, hidden: Hidden): string {
    if (!this.#masked || hidden.length === 0) return toHex(bytes);
    return [...bytes]
      .map((b, i) =>
        hidden.some(([from, to]) => i >= from && i < to) ? 'XX' : toHex(Uint8Array.of(b)),
      )
      .join('');
  }
}

/** Ranges of byte positions, the end not included. */
type Hidden = readonly (readonly [from: number, to: number])[];

const PSEUDO = 0xff;
const SELECT_TYPE = 0xa4;
const HEAD = 5;
/** VERIFY and PRESENT CODE, CHANGE and RESET of a code or PIN, WRITE KEY; whatever the class. */
const SECRET_INS: ReadonlySet<number> = new Set([0x20, 0x21, 0x24, 0x2c, 0x5e, 0xd4]);
/** Pseudo-APDUs: LOAD KEY, change of a code, the configuration zone (with its passwords). */
const SECRET_PSEUDO: ReadonlySet<number> = new Set([0x82, 0xd1, 0xd2]);
const READ_COUNTER = 0xb1;
const READ = 0xb0;
const WRITES: ReadonlySet<number> = new Set([0xd0, 0xd6]);

/**
 * Where chips keep codes and keys among their bytes (cards.md 1.3, 1.4), by ACS card type; 0: not
 * told, any of them.
 */
const CODE_PLACES: readonly {
  readonly chips: readonly number[];
  readonly from: number;
  readonly to: number;
}[] = [
  { chips: [0, 0x05], from: 0x3fe, to: 0x400 },
  { chips: [0x09], from: 10, to: 12 },
  { chips: [0x09], from: 86, to: 92 },
  { chips: [0x09], from: 156, to: 160 },
];
const AT88SC1608 = 0x04;
/** A motor reader's own address of the SLE4442's security memory (`00 B0|D0 02 …`). */
const CRT_SECURITY = 0x02;
/**
 * Mifare: the last block of each sector holds its keys; a reader that took no card type may hold
 * one.
 */
const TRAILER = 3;

/** Positions of `length` data bytes at `address` that are a code's or key's. */
function codeBytes(chip: number, address: number, length: number, at: number): Hidden {
  return CODE_PLACES.filter(
    (p) => p.chips.includes(chip) && p.from < address + length && p.to > address,
  ).map(
    (p) => [at + Math.max(0, p.from - address), at + Math.min(length, p.to - address)] as const,
  );
}

function hiddenInCommand(apdu: Uint8Array, chip: number): Hidden {
  const [cla, ins, p1, p2] = [apdu[0] ?? 0, apdu[1] ?? 0, apdu[2] ?? 0, apdu[3] ?? 0];
  if (apdu.length <= HEAD) return [];
  const all: Hidden = [[HEAD, apdu.length]];
  if (SECRET_INS.has(ins) || (cla === PSEUDO && SECRET_PSEUDO.has(ins))) return all;
  if (!WRITES.has(ins) || (cla !== PSEUDO && cla !== 0x00)) return [];
  if (cla === 0x00 && p1 === CRT_SECURITY) return all;
  if (cla === PSEUDO && ins === 0xd6 && p2 % 4 === TRAILER && apdu.length === HEAD + 16) return all;
  return codeBytes(chip, p1 * 256 + p2, apdu.length - HEAD, HEAD);
}

function hiddenInAnswer(command: Uint8Array, chip: number, length: number): Hidden {
  const [cla, ins, p1, p2] = [command[0] ?? 0, command[1] ?? 0, command[2] ?? 0, command[3] ?? 0];
  if (cla === PSEUDO && ins === READ_COUNTER)
    return chip === AT88SC1608 ? [[0, length]] : [[1, length]];
  if (ins !== READ || (cla !== PSEUDO && cla !== 0x00)) return [];
  if (cla === 0x00 && p1 === CRT_SECURITY && length === 4) return [[1, length]];
  if (cla === PSEUDO && p1 === 0 && chip === 0 && p2 % 4 === TRAILER && length === 16)
    return [[0, length]];
  return codeBytes(chip, p1 * 256 + p2, length, 0);
}

/**
 * Inner positions in a frame; where something is hidden, so is the check byte at its end, which
 * tells of it.
 */
function framed(hidden: Hidden, inner: number, length: number): Hidden {
  return hidden.length === 0
    ? []
    : [...hidden.map(([from, to]) => [from + inner, to + inner] as const), [length - 1, length]];
}
