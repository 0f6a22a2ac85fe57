import { issue } from './catalogue.ts';
import type { Making } from './catalogue.ts';
import { bytesOf, hexOf, numberHex } from './codec.ts';
import type { CpuCardState } from './cpu-card.ts';
import { cardKey } from './des.ts';
import { PIN_TRIES } from './purse.ts';
import type { PurseState } from './purse.ts';

/** layouts.md, "sample key" table. The TAC key is diversified like every other. */
const MASTER_LOAD = bytesOf('11223344556677888877665544332211');
const MASTER_TAC = bytesOf('00112233445566778899AABBCCDDEEFF');
/** layouts.md: the PIN of the reference cards. */
export const REFERENCE_PIN = '123456';

export interface PurseMaking extends Making {
  readonly balance?: number;
  readonly purse?: Partial<PurseState>;
}

/**
 * A card in mode _purse_ as its issuer hands it out, its meter having taken what was loaded
 * (docs/layouts/pl-purse.md): 41 loads, the last of 50.00 on 2025-10-10 at terminal 000000000301,
 * taken at the visit of 2025-11-15.
 */
export function issuePurse(m: PurseMaking): CpuCardState {
  const { purse, balance = 0, ...making } = m;
  const state = issue({ type: '02', ...making });
  const tail = bytesOf(`1000000000${m.cardNo}`.slice(-16));
  const count = m.count ?? 41;
  const { '17': _record, '16': holder = '', ...files } = state.files;
  return {
    ...state,
    // Unit 02: fen.
    files: { ...files, '16': `${holder.slice(0, 12)}02${holder.slice(14)}` },
    purse: {
      balance,
      onlineSeq: count,
      offlineSeq: count,
      pin: REFERENCE_PIN,
      pinTries: PIN_TRIES,
      loadKey: hexOf(cardKey(MASTER_LOAD, tail)),
      tacKey: hexOf(cardKey(MASTER_TAC, tail)),
      log:
        count === 0
          ? []
          : [
              `${numberHex(count - 1, 2)}000000000013880600000015772020251115083000`,
              `${numberHex(count - 1, 2)}000000000013880200000000030120251010101500`,
            ],
      proof: count === 0 ? null : { seq: count - 1, mac2: '0B5E11ED', tac: '7AC7AC00' },
      ...purse,
    },
  };
}

/**
 * A refuelling card as its issuer hands it out (docs/layouts/pl-fuel.md): 41 loads, the last of
 * 50.00, and a filling since. It has no meter's area.
 */
export function issueFuel({ balance = 3_500, ...m }: Omit<PurseMaking, 'meterNo'>): CpuCardState {
  const state = issuePurse({ balance, type: '03', kind: '04', ...m, meterNo: null });
  const { '1A': _area, ...files } = state.files;
  return { ...state, files };
}
