import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createPayTown } from '../simulator/pay-town.ts';
import { hallClock } from '../main/demo-clock.ts';
import { runService } from './service.ts';
import { hallKeys, waterKeys } from './setup.ts';
import { demoWallets } from './wallets.ts';

/**
 * The demo hall's payment gateways, a process of their own: `--data DIR --port N`, and `--line N`
 * where kiosks reach them through another port.
 */
const { values } = parseArgs({
  options: { data: { type: 'string' }, port: { type: 'string' }, line: { type: 'string' } },
});
const dataDir = values.data ?? '.';
const clock = hallClock();
const port = Number(values.port);
const common = {
  port,
  dataDir: `${dataDir}/sandbox`,
  publicUrl: () => `http://127.0.0.1:${values.line ?? String(port)}`,
  now: () => clock.nowMs(),
  randomBytes: (n: number) => new Uint8Array(randomBytes(n)),
};
runService(createPayTown(port, demoWallets(hallKeys(dataDir), common, {}, waterKeys(dataDir))));
