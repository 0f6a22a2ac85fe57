import { failure } from '../../shared/errors.ts';
import { err } from '../../shared/result.ts';
import type { SamPort } from '../readers/crt/reader.ts';
import type { CardReader } from '../types.ts';
import type { ApduPort } from './psam.ts';

/** A PSAM that stands in a reader of its own: whatever is in it now. CARD-0206 while nothing is. */
export function readerPort(reader: CardReader): ApduPort {
  const here = () => {
    const status = reader.status();
    return status.state === 'present' ? reader.open(status.insertion) : null;
  };
  const none = () => {
    const { state } = reader.status();
    return Promise.resolve(err(failure('CARD-0206', `PSAM: reader ${reader.name()} is ${state}`)));
  };
  return {
    transmit: (apdu) => here()?.transmit(apdu) ?? none(),
    reset: () => here()?.reset() ?? none(),
  };
}

/** A reader with SAM slots of its own. */
export interface SamReader {
  readonly sam: (slot: number) => SamPort;
}

/**
 * A PSAM in a SAM slot of the customer's own reader, which keeps its session over the coming
 * and going of customers' cards. CARD-0206 while there is no such reader (the keys are known before
 * it is opened), so that a sale is refused and not lost.
 */
export function samPort(reader: () => SamReader | null, slot: number): ApduPort {
  const none = () =>
    Promise.resolve(err(failure('CARD-0206', `PSAM: no reader for SAM slot ${slot}`)));
  return {
    transmit: (apdu) => reader()?.sam(slot).transmit(apdu) ?? none(),
    reset: () => reader()?.sam(slot).reset() ?? none(),
  };
}
