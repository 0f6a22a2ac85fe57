import type { CardKeyAnswer, CardKeyRequest } from '../../shared/central-api/index.ts';
import { fromHex, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { CODES } from './master.ts';
import type { KeyProvider, LoadAnswer } from './types.ts';

/** One request to central, with a time-out of its own: the card waits in the reader meanwhile. */
export type AskCentral = (request: CardKeyRequest) => Promise<Result<CardKeyAnswer, Failure>>;

/**
 * Keys at central. A CPU card's never come here: what the card asks goes up, what it wants to hear
 * comes down. A memory card's code has to come down, for one card whose sale is under way; it is
 * used at once and kept nowhere. Away, slow or refusing, central is a provider that is not there
 * (CARD-0206): before the sale the sale is refused, in a write nothing is sent to the card that was
 * not answered, and what is on it its next read says.
 */
export function centralKeyProvider(ask: AskCentral): KeyProvider {
  async function asked(
    request: CardKeyRequest,
    bytes: number,
  ): Promise<Result<{ readonly bytes: Uint8Array; readonly when: Uint8Array | null }, Failure>> {
    const answer = await ask(request);
    if (!answer.ok) {
      const { code, detail } = answer.error;
      // The card's own MAC was judged, and does not hold.
      if (code === 'CARD-0201') return answer;
      return err(
        failure(
          'CARD-0206',
          `central: ${request.verb}: ${code} ${detail ?? ''}`.trimEnd(),
          answer.error,
        ),
      );
    }
    const { bytes: hex, when } = answer.value;
    if (hex.length !== 2 * bytes)
      return err(failure('CARD-0206', `central: ${request.verb}: ${hex.length / 2} bytes`));
    return ok({ bytes: fromHex(hex), when: when === undefined ? null : fromHex(when) });
  }
  const only = async (
    request: CardKeyRequest,
    bytes: number,
  ): Promise<Result<Uint8Array, Failure>> => {
    const answer = await asked(request, bytes);
    return answer.ok ? ok(answer.value.bytes) : answer;
  };
  const proved = async (request: CardKeyRequest): Promise<Result<void, Failure>> => {
    const answer = await asked(request, 0);
    return answer.ok ? ok(undefined) : answer;
  };
  return {
    id: 'central',
    prove: (s8, use = 'file') => proved({ verb: 'prove', s8: toHex(s8), use }),
    proveCode: (code, cardNo) => proved({ verb: 'prove-code', chip: code, cardNo: toHex(cardNo) }),
    cardCode: (code, cardNo) =>
      only({ verb: 'code', chip: code, cardNo: toHex(cardNo) }, CODES[code].bytes),
    blockMac: (cardNo, data) =>
      only({ verb: 'block-mac', cardNo: toHex(cardNo), data: toHex(data) }, 8),
    // Reading needs the verdict, before any sale that central could judge the asking by: so it is
    // told nothing but that.
    checkBlocks: async (cardNo, blocks) => {
      if (blocks.length === 0) return ok([]);
      const answer = await only(
        {
          verb: 'check-blocks',
          cardNo: toHex(cardNo),
          blocks: blocks.map(({ data, mac }) => ({ data: toHex(data), mac: toHex(mac) })),
        },
        blocks.length,
      );
      return answer.ok ? ok([...answer.value].map((verdict) => verdict === 1)) : answer;
    },
    proveBlock: (cardNo) => proved({ verb: 'prove-block', cardNo: toHex(cardNo) }),
    sectorKey: (uid, sector, which, cardNo) =>
      only(
        {
          verb: 'sector-key',
          uid: toHex(uid),
          sector,
          which,
          ...(cardNo === undefined ? {} : { cardNo: toHex(cardNo) }),
        },
        6,
      ),
    proveSector: () => proved({ verb: 'prove-sector' }),
    externalAuth: (s8, challenge) =>
      only({ verb: 'external-auth', s8: toHex(s8), challenge: toHex(challenge) }, 8),
    checkTechnician: (cardNo, challenge, answer) =>
      proved({
        verb: 'check-technician',
        cardNo: toHex(cardNo),
        challenge: toHex(challenge),
        answer: toHex(answer),
      }),
    updateMac: (s8, challenge, header5, data) =>
      only(
        {
          verb: 'update-mac',
          s8: toHex(s8),
          challenge: toHex(challenge),
          header: toHex(header5),
          record: toHex(data),
        },
        4,
      ),
    loadLeave: async (s8, said) => {
      const answer = await asked({ verb: 'load-leave', s8: toHex(s8), ...loadOnWire(said) }, 4);
      if (!answer.ok) return answer;
      const { bytes: mac2, when } = answer.value;
      return when === null
        ? err(failure('CARD-0206', 'central: load-leave without date and time'))
        : ok({ when, mac2 });
    },
    // Judged before any sale could be asked about, as proofs of blocks are: told is only the
    // verdict.
    checkLoad: (s8, answer) => proved({ verb: 'check-load', s8: toHex(s8), ...loadOnWire(answer) }),
  };
}

function loadOnWire({ balance, amount, seq, random, terminal, mac1 }: LoadAnswer): {
  readonly balance: number;
  readonly amount: number;
  readonly seq: number;
  readonly random: string;
  readonly terminal: string;
  readonly mac1: string;
} {
  return {
    balance,
    amount,
    seq,
    random: toHex(random),
    terminal: toHex(terminal),
    mac1: toHex(mac1),
  };
}
