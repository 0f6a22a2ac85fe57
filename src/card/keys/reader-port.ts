import { failure } from '../../shared/errors.ts';
import { err } from '../../shared/result.ts';
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
