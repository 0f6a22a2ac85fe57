import { describe } from 'vitest';
import { purseCuts } from '../unit/kiosk/cut-visits.ts';

const wanted = process.env['PILOTLIGHT_LAYOUT'];
describe.skipIf(wanted !== undefined && wanted !== 'PL-PURSE')(
  'cut at every point of a purse’s write',
  () => {
    purseCuts(1);
  },
);
