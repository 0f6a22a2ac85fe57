import { describe } from 'vitest';
import { purseCuts } from '../unit/kiosk/cut-visits.ts';

describe('cut at every point of a purse’s write', () => {
  purseCuts(1);
});
