import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createAlipaySandbox } from '../../simulator/alipay/sandbox.ts';
import { createPayTown } from '../../simulator/pay-town.ts';
import { createWechatSandbox } from '../../simulator/wechat/sandbox.ts';
import { DEMO_ALIPAY_APP, DEMO_APPID, DEMO_MCHID, hallKeys } from './setup.ts';
import { runService } from './service.ts';

/** The demo hall's payment gateways, a process of their own: `--data DIR --port N`, and `--line N` where kiosks reach them through another port. */
const { values } = parseArgs({ options: { data: { type: 'string' }, port: { type: 'string' }, line: { type: 'string' } } });
const dataDir = values.data ?? '.';
const port = Number(values.port);
const { sandbox: keys } = hallKeys(dataDir);
const common = {
  port,
  dataDir: `${dataDir}/sandbox`,
  publicUrl: () => `http://127.0.0.1:${values.line ?? String(port)}`,
  now: () => Date.now(),
  randomBytes: (n: number) => new Uint8Array(randomBytes(n)),
};
runService(
  createPayTown(
    port,
    createWechatSandbox({ ...common, merchantPublicKeyPem: keys.merchantPublicKeyPem, platformPrivateKeyPem: keys.platformPrivateKeyPem, platformSerial: keys.platformSerial, mchid: DEMO_MCHID, appid: DEMO_APPID }),
    // One pair of keys serves both contracts of a demo.
    createAlipaySandbox({ ...common, appPublicKeyPem: keys.merchantPublicKeyPem, alipayPrivateKeyPem: keys.platformPrivateKeyPem, appId: DEMO_ALIPAY_APP }),
  ),
);
