import { toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { CodeOutcome, MemoryArea, MemoryCardPort, MemoryChip } from '../types.ts';

/** One command of a dialect and how its answer is told. */
export interface MemoryCommand {
  readonly apdu: Uint8Array;
  /**
   * Bytes that the answer holds before SW1 SW2. More may come (some firmwares append the protection
   * bits): they are dropped.
   */
  readonly expects: number;
}

/**
 * How one kind of reader speaks to memory cards: a table of pseudo-APDUs, one file each. A verb
 * that the reader (or its manual) does not have is null. Reads and writes are of at most
 * {@link MemoryDialect.maxBytes}.
 */
export interface MemoryDialect {
  readonly id: string;
  /** Readers by their PC/SC name. */
  readonly names: RegExp;
  readonly maxBytes: number;
  /**
   * Tells the reader which chip it holds; first after each power-up. Absent: the reader finds out
   * by itself.
   */
  readonly select?: (chip: MemoryChip) => Uint8Array | null;
  readonly read: (
    chip: MemoryChip,
    area: MemoryArea,
    at: number,
    length: number,
  ) => MemoryCommand | null;
  readonly write: (
    chip: MemoryChip,
    area: MemoryArea,
    at: number,
    bytes: Uint8Array,
  ) => MemoryCommand | null;
  /** The error counter: first byte of the answer, unless `counterOf` finds it in the status word. */
  readonly counter: (chip: MemoryChip, set: number) => MemoryCommand | null;
  readonly counterOf?: (sw: number) => number | null;
  readonly present: (chip: MemoryChip, code: Uint8Array, set: number) => Uint8Array | null;
  /**
   * What the answer to `present` says. `ask`: nothing to be relied on, the counter is read again.
   * Null: neither (an error of the exchange).
   */
  readonly presented: (chip: MemoryChip, sw: number) => CodeOutcome | 'ask' | null;
  /** AT88SC102. Absent: not with this reader. */
  readonly eraseZone?: (chip: MemoryChip, zone: 1 | 2, key: Uint8Array) => Uint8Array | null;
}

const SW_OK = 0x9000;
/** A counter of eight bits that no wrong code has touched, or the right one has made whole again. */
const COUNTER_WHOLE = 0xff;
/**
 * SW1 with which readers refuse a pseudo-APDU before anything reaches the card: wrong length,
 * class, instruction, parameter; card type not selected.
 */
const REFUSED_SW1: ReadonlySet<number> = new Set([0x67, 0x69, 0x6a, 0x6b, 0x6d, 0x6e]);

/**
 * A memory card behind a PC/SC reader, in that reader's dialect.
 *
 * @param transmit one raw exchange, SW1 SW2 at the end of the answer
 */
export function pcscMemoryPort(
  dialect: MemoryDialect,
  transmit: (apdu: Uint8Array) => Promise<Result<Uint8Array, Failure>>,
): MemoryCardPort {
  async function exchange(
    what: string,
    apdu: Uint8Array,
  ): Promise<Result<{ readonly data: Uint8Array; readonly sw: number }, Failure>> {
    const answer = await transmit(apdu);
    if (!answer.ok) return answer;
    const { value } = answer;
    if (value.length < 2)
      return err(failure('CARD-0106', `${what}: answer of ${value.length} bytes`));
    return ok({
      data: value.subarray(0, value.length - 2),
      sw: ((value[value.length - 2] as number) << 8) | (value[value.length - 1] as number),
    });
  }
  const cannot = (what: string): { readonly ok: false; readonly error: Failure } =>
    err(failure('CARD-0103', `${dialect.id} readers cannot ${what}`));
  const status = (what: string, sw: number): Failure =>
    failure('CARD-0106', `${what}: ${toHex(Uint8Array.of(sw >>> 8, sw & 0xff))}`);

  async function run(
    what: string,
    command: MemoryCommand | null,
  ): Promise<Result<Uint8Array, Failure>> {
    if (command === null) return cannot(what);
    const answer = await exchange(what, command.apdu);
    if (!answer.ok) return answer;
    const { data, sw } = answer.value;
    if (sw !== SW_OK) return err(status(what, sw));
    return data.length < command.expects
      ? err(failure('CARD-0106', `${what}: ${data.length} of ${command.expects} bytes`))
      : ok(data.subarray(0, command.expects));
  }

  async function counter(chip: MemoryChip, set = 0): Promise<Result<number, Failure>> {
    const command = dialect.counter(chip, set);
    if (dialect.counterOf !== undefined && command !== null) {
      const told = await exchange('error counter', command.apdu);
      if (!told.ok) return told;
      const found = dialect.counterOf(told.value.sw);
      return found === null ? err(status('error counter', told.value.sw)) : ok(found);
    }
    const answer = await run('error counter', command);
    return answer.ok ? ok(answer.value[0] as number) : answer;
  }

  /**
   * One command that changes the card.
   *
   * @param whole nothing of an earlier one is stored yet
   */
  async function change(
    what: string,
    apdu: Uint8Array,
    whole: boolean,
  ): Promise<Result<void, Failure>> {
    const answer = await exchange(what, apdu);
    // Whatever came back, some of it may be on the card.
    if (!answer.ok)
      return err(
        failure(
          'CARD-0203',
          `${what}: ${answer.error.code} ${answer.error.detail ?? ''}`.trimEnd(),
          answer.error,
        ),
      );
    const { sw } = answer.value;
    return sw === SW_OK
      ? ok(undefined)
      : err(
          failure(
            whole && REFUSED_SW1.has(sw >>> 8) ? 'CARD-0202' : 'CARD-0203',
            status(what, sw).detail,
          ),
        );
  }

  return {
    select: async (chip) => {
      if (dialect.select === undefined) return ok(undefined);
      const apdu = dialect.select(chip);
      if (apdu === null)
        return err(failure('CARD-0103', `${dialect.id} readers do not know ${chip}`));
      const answer = await exchange(`select ${chip}`, apdu);
      if (!answer.ok) return answer;
      const { sw } = answer.value;
      if (sw === SW_OK) return ok(undefined);
      // Refused: another chip, or a card that does not answer as this one.
      return err(
        failure('CARD-0103', `select ${chip}: ${toHex(Uint8Array.of(sw >>> 8, sw & 0xff))}`),
      );
    },
    read: async (chip, area, at, length) => {
      const out = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const some = Math.min(dialect.maxBytes, length - done);
        const part = await run(
          `read ${area} ${at + done}`,
          dialect.read(chip, area, at + done, some),
        );
        if (!part.ok) return part;
        out.set(part.value, done);
        done += some;
      }
      return ok(out);
    },
    write: async (chip, area, at, bytes) => {
      for (let done = 0; done < bytes.length; done += dialect.maxBytes) {
        const command = dialect.write(
          chip,
          area,
          at + done,
          bytes.subarray(done, done + dialect.maxBytes),
        );
        if (command === null) return cannot(`write ${area}`);
        const written = await change(`write ${area} ${at + done}`, command.apdu, done === 0);
        if (!written.ok) return written;
      }
      return ok(undefined);
    },
    counter,
    present: async (chip, code, set = 0) => {
      const apdu = dialect.present(chip, code, set);
      if (apdu === null) return cannot('present a code');
      const answer = await exchange('present code', apdu);
      if (!answer.ok) return answer;
      const outcome = dialect.presented(chip, answer.value.sw);
      if (outcome !== 'ask')
        return outcome === null ? err(status('present code', answer.value.sw)) : ok(outcome);
      // The chip makes the counter whole only for the right code.
      const left = await counter(chip, set);
      return left.ok ? ok({ verified: left.value === COUNTER_WHOLE, counter: left.value }) : left;
    },
    eraseZone: async (chip, zone, key) => {
      const apdu = dialect.eraseZone?.(chip, zone, key) ?? null;
      return apdu === null ? cannot('erase a zone') : change(`erase zone ${zone}`, apdu, true);
    },
  };
}
