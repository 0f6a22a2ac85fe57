import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sampleKeyProvider } from '../../card/index.ts';
import { createCentral } from '../../central/server.ts';
import { ed25519Signer } from '../../shared/signing.ts';
import { DEMO_TERMINAL, hallKeys } from './setup.ts';
import { runService } from './service.ts';

/** The demo hall's central billing service, a process of its own: `--data DIR --port N [--terminal ID --terminal-key FILE]`. */
const { values } = parseArgs({ options: { data: { type: 'string' }, port: { type: 'string' }, terminal: { type: 'string' }, 'terminal-key': { type: 'string' } } });
const dataDir = values.data ?? '.';
const keys = hallKeys(dataDir);
// The terminal of a configuration file that was handed in takes the place of the hall's own.
const handedIn = values.terminal === undefined || values['terminal-key'] === undefined ? null : { terminalId: values.terminal, publicKeyPem: readFileSync(values['terminal-key'], 'utf8') };
const cardKeys = sampleKeyProvider('demo');
runService(createCentral({
  dataDir: `${dataDir}/central`,
  port: Number(values.port),
  policySigner: ed25519Signer(keys.policyPrivateKeyPem),
  now: () => Date.now(),
  // A terminal of the hall may have its keys at central: `"keys": {"kind": "central"}`.
  ...(cardKeys.ok ? { cardKeys: cardKeys.value } : {}),
  terminals: [handedIn ?? { terminalId: DEMO_TERMINAL, publicKeyPem: keys.terminalPublicKeyPem }],
}));
