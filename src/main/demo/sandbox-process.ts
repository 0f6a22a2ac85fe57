import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createWechatSandbox } from '../../simulator/wechat/sandbox.ts';
import { DEMO_APPID, DEMO_MCHID, hallKeys } from './setup.ts';
import { runService } from './service.ts';

/** The demo hall's payment sandbox, a process of its own: `--data DIR --port N`. */
const { values } = parseArgs({ options: { data: { type: 'string' }, port: { type: 'string' } } });
const dataDir = values.data ?? '.';
const { sandbox: keys } = hallKeys(dataDir);
runService(createWechatSandbox({
  port: Number(values.port),
  dataDir: `${dataDir}/sandbox`,
  merchantPublicKeyPem: keys.merchantPublicKeyPem,
  platformPrivateKeyPem: keys.platformPrivateKeyPem,
  platformSerial: keys.platformSerial,
  mchid: DEMO_MCHID,
  appid: DEMO_APPID,
  now: () => Date.now(),
  randomBytes: (n) => new Uint8Array(randomBytes(n)),
}));
