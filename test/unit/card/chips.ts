import { pl4428Layout, pl4442Layout } from '../../../src/card/index.ts';
import type { CardChannel, CardLayout } from '../../../src/card/index.ts';
import { dialectOf } from '../../../src/card/readers/dialects/index.ts';
import { pcscMifarePort } from '../../../src/card/readers/contactless.ts';
import { pcscMemoryPort } from '../../../src/card/readers/memory.ts';
import { transmitT0 } from '../../../src/card/readers/t0.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { sample4428 } from '../../../src/simulator/card/catalogue-blocks.ts';
import { sampleCard4442 } from '../../../src/simulator/card/catalogue-4442.ts';
import type { Sle4428 } from '../../../src/simulator/card/sle4428.ts';
import type { Sle4442 } from '../../../src/simulator/card/sle4442.ts';
import { AcsReader } from '../../../src/simulator/reader/acs.ts';
import type { AcsChip, AcsVariant } from '../../../src/simulator/reader/acs.ts';
import type { SlotCard } from '../../../src/simulator/vpcd/client.ts';
import { demoKeys } from './rig.ts';

/**
 * A card in a reader in this process: an insertion is over when it is torn out, and the next begins
 * with `insert`.
 */
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

/**
 * The golden card on the other chip: the same map under its own factory area, mark and code
 * (docs/layouts/pl-4428.md).
 */
export const golden4428 = (): Sle4428 => sample4428('4428-golden').make();

export const acs = (chip: AcsChip, variant: AcsVariant = 'ccid'): AcsReader =>
  new AcsReader(chip, variant);
