import { parseArgs } from 'node:util';
import { createCompanySystem } from '../../src/simulator/company-accounts/system.ts';
import type { SimAccount } from '../../src/simulator/company-accounts/system.ts';

/**
 * The sample billing system as a process that may be killed: `--file FILE --accounts JSON --now MS
 * [--die N]`: it ends after its N-th booking, before it answers. Prints its port.
 */
const { values } = parseArgs({
  options: {
    file: { type: 'string', default: '' },
    accounts: { type: 'string', default: '[]' },
    now: { type: 'string', default: '0' },
    die: { type: 'string', default: '0' },
  },
});
let left = Number(values.die);
const system = createCompanySystem({
  secret: 's3',
  now: () => Number(values.now),
  accounts: JSON.parse(values.accounts) as SimAccount[],
  file: values.file,
  booked: () => {
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  },
});
console.log(await system.listen());
