import { concatBytes, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { MifarePort } from '../types.ts';

/**
 * Where a reader takes a key for the next authentication: LOAD KEY's structure byte and key number
 * (cards.md 2.2). A reader model is one entry.
 */
interface KeyPlace {
  readonly names: RegExp;
  readonly structure: number;
  readonly number: number;
}
const PLACES: readonly KeyPlace[] = [
  // Volatile, so that no key outlives the card.
  { names: /acr128/i, structure: 0x00, number: 0x20 },
  { names: /./, structure: 0x00, number: 0x00 },
];

const SW_OK = 0x9000;
/** PC/SC part 3: the card refused, or is gone. */
const SW_REFUSED = 0x6300;
const KEY_TYPE = { A: 0x60, B: 0x61 } as const;
const BLOCK_BYTES = 16;

/**
 * A Mifare card in a contactless PC/SC reader (PC/SC part 3).
 *
 * @param transmit one raw exchange, SW1 SW2 at the end of the answer
 */
export function pcscMifarePort(
  readerName: string,
  transmit: (apdu: Uint8Array) => Promise<Result<Uint8Array, Failure>>,
): MifarePort {
  const place = PLACES.find((p) => p.names.test(readerName)) ?? { structure: 0x00, number: 0x00 };

  async function run(
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
  const unexpected = (what: string, sw: number): { readonly ok: false; readonly error: Failure } =>
    err(failure('CARD-0106', `${what}: ${toHex(Uint8Array.of(sw >>> 8, sw & 0xff))}`));

  return {
    uid: async () => {
      const answer = await run('UID', Uint8Array.of(0xff, 0xca, 0x00, 0x00, 0x00));
      if (!answer.ok) return answer;
      return answer.value.sw === SW_OK && answer.value.data.length >= 4
        ? ok(answer.value.data)
        : unexpected('UID', answer.value.sw);
    },
    authenticate: async (block, which, key) => {
      const loaded = await run(
        'load key',
        concatBytes(Uint8Array.of(0xff, 0x82, place.structure, place.number, key.length), key),
      );
      if (!loaded.ok) return loaded;
      if (loaded.value.sw !== SW_OK) return unexpected('load key', loaded.value.sw);
      const what = `authenticate block ${block}`;
      const answer = await run(
        what,
        Uint8Array.of(
          0xff,
          0x86,
          0x00,
          0x00,
          0x05,
          0x01,
          0x00,
          block,
          KEY_TYPE[which],
          place.number,
        ),
      );
      if (!answer.ok) return answer;
      if (answer.value.sw === SW_OK) return ok(true);
      return answer.value.sw === SW_REFUSED ? ok(false) : unexpected(what, answer.value.sw);
    },
    read: async (block) => {
      const what = `read block ${block}`;
      const answer = await run(what, Uint8Array.of(0xff, 0xb0, 0x00, block, BLOCK_BYTES));
      if (!answer.ok) return answer;
      return answer.value.sw === SW_OK && answer.value.data.length === BLOCK_BYTES
        ? ok(answer.value.data)
        : unexpected(what, answer.value.sw);
    },
    write: async (block, bytes) => {
      const what = `write block ${block}`;
      const answer = await run(
        what,
        concatBytes(Uint8Array.of(0xff, 0xd6, 0x00, block, BLOCK_BYTES), bytes),
      );
      // Whatever came back, some of it may be on the card; 6300 is said of a card that left in the
      // middle, too.
      if (!answer.ok)
        return err(
          failure(
            'CARD-0203',
            `${what}: ${answer.error.code} ${answer.error.detail ?? ''}`.trimEnd(),
            answer.error,
          ),
        );
      return answer.value.sw === SW_OK
        ? ok(undefined)
        : err(
            failure(
              'CARD-0203',
              `${what}: ${toHex(Uint8Array.of(answer.value.sw >>> 8, answer.value.sw & 0xff))}`,
            ),
          );
    },
  };
}
