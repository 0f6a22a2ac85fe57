import { parseArgs } from 'node:util';
import { createCentral } from '../../central/server.ts';
import { DEMO_TERMINAL, hallKeys } from './setup.ts';
import { runService } from './service.ts';

/** The demo hall's central billing service, a process of its own: `--data DIR --port N`. */
const { values } = parseArgs({ options: { data: { type: 'string' }, port: { type: 'string' } } });
const dataDir = values.data ?? '.';
const keys = hallKeys(dataDir);
runService(createCentral({
  dataDir: `${dataDir}/central`,
  port: Number(values.port),
  policyPrivateKeyPem: keys.policyPrivateKeyPem,
  now: () => Date.now(),
  terminals: [{ terminalId: DEMO_TERMINAL, publicKeyPem: keys.terminalPublicKeyPem, epoch: 1 }],
}));
