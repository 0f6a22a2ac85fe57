import { pl4428Layout, pl4442Layout } from '../../../src/card/index.ts';
import type { CardChannel, CardLayout } from '../../../src/card/index.ts';
import { dialectOf } from '../../../src/card/readers/dialects/index.ts';
import { pcscMifarePort } from '../../../src/card/readers/contactless.ts';
import { pcscMemoryPort } from '../../../src/card/readers/memory.ts';
import { transmitT0 } from '../../../src/card/readers/t0.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { issue4442, codeOf4442 } from '../../../src/simulator/card/issue-4442.ts';
import { sampleCard4442 } from '../../../src/simulator/card/catalogue-4442.ts';
import { Sle4428 } from '../../../src/simulator/card/sle4428.ts';
import type { Sle4442 } from '../../../src/simulator/card/sle4442.ts';
import { AcsReader } from '../../../src/simulator/reader/acs.ts';
import type { AcsVariant } from '../../../src/simulator/reader/acs.ts';
import type { SlotCard } from '../../../src/simulator/vpcd/client.ts';
import { demoKeys } from './rig.ts';

/** A card in a reader in this process: an insertion is over when it is torn out, and the next begins with `insert`. */
export class Desk {
  readonly slot: SlotCard;
  readonly #dialect: string;
  #insertion = 0;
  #in = false;

  constructor(slot: SlotCard, dialect = 'acs') {
    this.slot = slot;
    this.#dialect = dialect;
  }

  insert(): CardChannel {
    if (this.#in) this.slot.remove();
    this.slot.insert();
    this.#in = true;
    const insertion = ++this.#insertion;
    const gone = () => err(failure('CARD-0102', `insertion ${insertion} is over`));
    const exchange: CardChannel['transmit'] = (apdu) => {
      if (!this.#in || insertion !== this.#insertion) return Promise.resolve(gone());
      const outcome = this.slot.process(apdu);
      if (outcome.kind === 'answer') return Promise.resolve(ok(outcome.bytes));
      if (outcome.kind === 'silent') return Promise.resolve(err(failure('CARD-0108')));
      this.remove();
      return Promise.resolve(gone());
    };
    const dialect = dialectOf('', this.#dialect);
    if (dialect === null) throw new Error(this.#dialect);
    return {
      insertion,
      transmit: (apdu) => transmitT0(apdu, exchange),
      reset: () => {
        if (!this.#in || insertion !== this.#insertion) return Promise.resolve(gone());
        const atr = this.slot.reset();
        return Promise.resolve(atr === null ? err(failure('CARD-0101')) : ok(atr));
      },
      memory: pcscMemoryPort(dialect, exchange),
      mifare: pcscMifarePort('', exchange),
    };
  }

  remove(): void {
    if (this.#in) this.slot.remove();
    this.#in = false;
  }
}

export const pl4442: CardLayout = pl4442Layout(demoKeys);
export const pl4428: CardLayout = pl4428Layout(demoKeys);

export const golden4442 = (): Sle4442 => sampleCard4442('4442-golden').make();

/** The golden card on the other chip: the same map under its own factory area, mark and code (docs/layouts/pl-4428.md). */
export function golden4428(): Sle4428 {
  const main = fromHex(issue4442({ cardNo: '8800003921', userNo: '1002203344', a: { seq: 0x29, count: 41, quantity: 5000, cumulative: 205_000, tag: 'A1B2C3D4' }, b: { seq: 0x28, count: 40, quantity: 5000, cumulative: 200_000, tag: '0BADCAFE' } }).main);
  main.set(golden4442().peek().subarray(0x60, 0x80), 0x60);
  main.set([0x92, 0x23, 0x10, 0x91], 0);
  main[0x20] = 0x51;
  main[0x2f] = 0x86;
  const all = new Uint8Array(1024).fill(0xff);
  all.set(main.subarray(0, 0x80), 0);
  all[1021] = 0xff;
  all.set(codeOf4442('8800003921').subarray(0, 2), 1022);
  return new Sle4428({ kind: 'sle4428', main: toHex(all), protection: 'FF'.repeat(128) });
}

export const acs = (chip: Sle4442 | Sle4428, variant: AcsVariant = 'ccid'): AcsReader => new AcsReader(chip, variant);
