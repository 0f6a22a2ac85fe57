import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generateSandboxKeys } from '../simulator/wechat/sandbox.ts';
import type { SandboxKeys } from '../simulator/wechat/sandbox.ts';
import { DEMO_USER } from './technician.ts';
import { DEMO_SITE } from './central-data.ts';
import type { TerminalConfigFile } from '../shared/config/terminal.ts';

export const DEMO_TERMINAL = '000000000311';
export const DEMO_MCHID = '1900000109';
export const DEMO_APPID = 'wxd678efh567hg6787';
export const DEMO_ALIPAY_APP = '2021000000000311';
/** The water company's own merchant accounts; heat is collected for by the house. */
export const DEMO_WATER = {
  merchant: 'water-co',
  mchid: '1900000222',
  appid: 'wxd678efh567hg6222',
  alipayApp: '2021000000000222',
} as const;
/** The demo's contract with its acquirer. */
export const DEMO_UNIONPAY = {
  appId: 'demo-ums-application',
  mid: '898310000000311',
  tid: '00000001',
  msgSrcId: '3194',
} as const;

export interface HallPorts {
  readonly kiosk: number;
  readonly dock: number;
  /** Central's console, for staff. */
  readonly central: number;
  /** Where terminals' requests arrive, over the lines. */
  readonly centralApi: number;
  /** What customers' phones and the wallets reach of central. */
  readonly centralPages: number;
  readonly sandbox: number;
  /** Where the virtual reader waits for a card. */
  readonly slot: number;
  readonly printer: number;
  /** The lines between the kiosk and the two services, which the dock can cut. */
  readonly centralLine: number;
  readonly paymentLine: number;
  readonly scanner: number;
  /**
   * The kiosk's line to the gateway at central, apart from its line to central's billing: they fail
   * separately.
   */
  readonly gatewayLine: number;
  /** The platform that reaches IoT meters. */
  readonly meters: number;
  /** Who issues e-invoices. */
  readonly invoices: number;
  /** The platform that sends SMS. */
  readonly sms: number;
  /** The company's own account book, where the hall has one. */
  readonly book: number;
  /** `upsd`, and the module of door and lamps. */
  readonly ups: number;
  readonly io: number;
}

/** The simulated headphone jack, in the hall's data folder. */
export const JACK_FILE = 'headphones.events';

/** What the demo's central shows to the platform of its IoT meters. */
export const METER_SECRET = 'demo-meters';
/** … and to the provider of its e-invoices. */
export const INVOICE_SECRET = 'demo-invoices';

/** … and to the platform of its messages. */
export const SMS_SECRET = 'demo-sms';

/** … and to the company's account book. */
export const BOOK_SECRET = 'demo-book';

/** Sixteen neighbouring ports from `first`. */
export function hallPorts(first: number): HallPorts {
  return {
    kiosk: first,
    dock: first + 1,
    central: first + 2,
    sandbox: first + 3,
    slot: first + 4,
    printer: first + 5,
    centralLine: first + 6,
    paymentLine: first + 7,
    scanner: first + 8,
    gatewayLine: first + 9,
    centralApi: first + 10,
    centralPages: first + 11,
    meters: first + 12,
    invoices: first + 14,
    sms: first + 13,
    book: first + 15,
    ups: first + 16,
    io: first + 17,
  };
}

export interface HallKeys {
  readonly sandbox: SandboxKeys;
  /** What the demo and its acquirer share. */
  readonly unionpayKey: string;
  readonly apiV3Key: string;
  /** Of the demo's official accounts. */
  readonly appSecret: string;
  readonly terminalPublicKeyPem: string;
  readonly policyPrivateKeyPem: string;
  readonly answerPrivateKeyPem: string;
  readonly gatewayPrivateKeyPem: string;
  /** X25519: opens what identifies the customers of requests. */
  readonly requestsPrivateKeyPem: string;
}

/**
 * The demo's keys, made once for a data folder. Sample keys for a demo; nothing of it is for
 * production.
 */
export function hallKeys(dataDir: string): HallKeys {
  const folder = join(dataDir, 'keys');
  const file = join(folder, 'keys.json');
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const ed = () =>
      generateKeyPairSync('ed25519', {
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      });
    const terminal = ed();
    const policy = ed();
    const sandbox = generateSandboxKeys();
    writeFileSync(join(folder, 'terminal.pem'), terminal.privateKey, { mode: 0o600 });
    writeFileSync(join(folder, 'policy.pub.pem'), policy.publicKey);
    writeFileSync(join(folder, 'merchant.pem'), sandbox.merchantPrivateKeyPem, { mode: 0o600 });
    writeFileSync(join(folder, 'platform.pub.pem'), sandbox.platformPublicKeyPem);
    writeFileSync(
      file,
      JSON.stringify({
        sandbox,
        terminalPublicKeyPem: terminal.publicKey,
        policyPrivateKeyPem: policy.privateKey,
      }),
      { mode: 0o600 },
    );
  }
  const shared = (name: string, bytes: number): string => {
    const at = join(folder, name);
    if (!existsSync(at)) writeFileSync(at, randomBytes(bytes).toString('hex'), { mode: 0o600 });
    return readFileSync(at, 'utf8');
  };
  /** One of central's own, with its public half beside it. */
  const own = (
    name: string,
    make: () => { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  ): string => {
    const at = join(folder, `${name}.pem`);
    if (!existsSync(at)) {
      const pair = make();
      writeFileSync(at, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
      writeFileSync(
        join(folder, `${name}.pub.pem`),
        pair.publicKey.export({ type: 'spki', format: 'pem' }),
      );
    }
    return readFileSync(at, 'utf8');
  };
  const signing = (name: string): string => own(name, () => generateKeyPairSync('ed25519'));
  return {
    ...(JSON.parse(readFileSync(file, 'utf8')) as HallKeys),
    answerPrivateKeyPem: signing('answers'),
    gatewayPrivateKeyPem: signing('gateway'),
    requestsPrivateKeyPem: own('requests', () => generateKeyPairSync('x25519')),
    unionpayKey: shared('unionpay.key', 24),
    apiV3Key: shared('apiv3.key', 16),
    appSecret: shared('app-secret.key', 16),
  };
}

/** What the water company has with the wallets; made once for a data folder. */
export function waterKeys(dataDir: string): SandboxKeys {
  const folder = join(dataDir, 'keys');
  const file = join(folder, 'water.json');
  if (!existsSync(file)) {
    const made = generateSandboxKeys();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'water.pem'), made.merchantPrivateKeyPem, { mode: 0o600 });
    writeFileSync(join(folder, 'water-platform.pub.pem'), made.platformPublicKeyPem);
    writeFileSync(file, JSON.stringify(made), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(file, 'utf8')) as SandboxKeys;
}

/** Who pays in WeChat's browser, asked of the sandbox. */
export const demoBrowser = (baseUrl: string) => ({
  appSecretFile: 'keys/app-secret.key',
  authorizeUrl: baseUrl,
  apiUrl: baseUrl,
});

/**
 * The water company's wallets as central has them.
 *
 * @param publicUrl where the wallets call back
 */
export const waterPayments = (
  baseUrl: string,
  publicUrl: string,
  keys: SandboxKeys,
): TerminalConfigFile['payments'] => [
  {
    kind: 'wechat',
    baseUrl,
    mchid: DEMO_WATER.mchid,
    appid: DEMO_WATER.appid,
    merchantSerial: keys.merchantSerial,
    merchantKeyFile: 'keys/water.pem',
    platformKeys: { [keys.platformSerial]: 'keys/water-platform.pub.pem' },
    apiV3KeyFile: 'keys/apiv3.key',
    notifyUrl: `${publicUrl}/pay/notify/wechat/${DEMO_WATER.merchant}`,
    browser: demoBrowser(baseUrl),
  },
  {
    kind: 'alipay',
    baseUrl,
    appId: DEMO_WATER.alipayApp,
    appKeyFile: 'keys/water.pem',
    alipayKeyFile: 'keys/water-platform.pub.pem',
    notifyUrl: `${publicUrl}/pay/notify/alipay/${DEMO_WATER.merchant}`,
  },
];

/**
 * A configuration that was handed in: its terminal is enrolled at the demo's central. Keys that it
 * names and that are not there yet are made; what is there is not touched. Returns the file with
 * the terminal's public key.
 */
export function enrolTerminal(
  dataDir: string,
  keyFile: string,
  centralKeyFiles: Readonly<Record<'policy' | 'answers' | 'gateway', string>>,
  keys: HallKeys,
): string {
  if (!existsSync(keyFile)) {
    mkdirSync(dirname(keyFile), { recursive: true });
    writeFileSync(
      keyFile,
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
      { mode: 0o600 },
    );
  }
  const privateKeys = {
    policy: keys.policyPrivateKeyPem,
    answers: keys.answerPrivateKeyPem,
    gateway: keys.gatewayPrivateKeyPem,
  };
  for (const [name, file] of Object.entries(centralKeyFiles)) {
    if (existsSync(file)) continue;
    mkdirSync(dirname(file), { recursive: true });
    const own = createPublicKey(privateKeys[name as keyof typeof privateKeys]);
    writeFileSync(file, own.export({ type: 'spki', format: 'pem' }));
  }
  const publicFile = join(dataDir, 'keys', 'enrolled.pub.pem');
  writeFileSync(
    publicFile,
    createPublicKey(readFileSync(keyFile)).export({ type: 'spki', format: 'pem' }),
  );
  return publicFile;
}

/** How the demo can be paid: a list of these, in the order in which they are offered. */
export const HALL_PAYMENTS = ['gateway', 'wechat', 'alipay', 'unionpay'] as const;
export type HallPayment = (typeof HALL_PAYMENTS)[number];
/** The wallets' own gateways, without one of the company's. */
export const DIRECT: readonly HallPayment[] = ['wechat', 'alipay'];

/**
 * One entry of `payments`, as a terminal.json has it, and as the gateway at central has its
 * wallets.
 *
 * @param baseUrl where that one is reached
 */
export function demoPayment(
  kind: HallPayment,
  baseUrl: string,
  keys: HallKeys,
): TerminalConfigFile['payments'][number] {
  switch (kind) {
    case 'gateway':
      return { kind, baseUrl };
    case 'wechat':
      return {
        kind,
        baseUrl,
        mchid: DEMO_MCHID,
        appid: DEMO_APPID,
        merchantSerial: keys.sandbox.merchantSerial,
        merchantKeyFile: 'keys/merchant.pem',
        platformKeys: { [keys.sandbox.platformSerial]: 'keys/platform.pub.pem' },
        notifyUrl: 'https://pay.example.com/wechat/notify',
      };
    case 'alipay':
      return {
        kind,
        baseUrl,
        appId: DEMO_ALIPAY_APP,
        appKeyFile: 'keys/merchant.pem',
        alipayKeyFile: 'keys/platform.pub.pem',
      };
    case 'unionpay':
      return {
        kind,
        baseUrl,
        ...DEMO_UNIONPAY,
        appKeyFile: 'keys/unionpay.key',
        notifyUrl: 'https://pay.example.com/unionpay/notify',
      };
  }
}

/** How door and lamps are wired to the hall's module. */
export const HALL_IO = {
  inputs: { door: { address: 0 } },
  outputs: {
    cardLamp: { address: 0 },
    scannerLamp: { address: 1 },
    printerLamp: { address: 2 },
    alarm: { address: 3 },
  },
} as const;

/**
 * Writes the demo kiosk's `terminal.json` and returns its path.
 *
 * @param around what stands around the kiosk is simulated too: UPS, door and lamps
 */
export function writeTerminalJson(
  dataDir: string,
  ports: HallPorts,
  keys: HallKeys,
  realPcsc: boolean,
  payments: readonly HallPayment[],
  around = false,
): string {
  const config: TerminalConfigFile = {
    mode: 'demo',
    terminalId: DEMO_TERMINAL,
    site: {
      brand: { zh: '阜城燃气 自助服务', en: 'Fucheng Gas self-service' },
      name: { zh: DEMO_SITE, en: 'Civic Centre 24-hour hall' },
      terminalName: { zh: '03号机', en: 'No. 03' },
    },
    // 21.5 inches upright in a stand, as the halls have them.
    panel: { widthMm: 268, heightMm: 476, bottomMm: 850 },
    dataDir: 'kiosk',
    secondPath: 'kiosk-second',
    readers: [
      realPcsc ? { kind: 'pcsc' } : { kind: 'virtual', path: `tcp://127.0.0.1:${ports.slot}` },
    ],
    keys: { kind: 'sample' },
    // Its own wallets are the house's, which collects for heat; water's are at the gateway only.
    collectsFor: ['house', 'heat'],
    payments: payments.map((kind) =>
      demoPayment(
        kind,
        `http://127.0.0.1:${kind === 'gateway' ? ports.gatewayLine : ports.paymentLine}`,
        keys,
      ),
    ),
    central: {
      baseUrl: `http://127.0.0.1:${ports.centralLine}`,
      keyFile: 'keys/terminal.pem',
      policyKeyFile: 'keys/policy.pub.pem',
    },
    printer: { kind: 'virtual', path: `tcp://127.0.0.1:${ports.printer}` },
    scanner: { kind: 'virtual', path: `tcp://127.0.0.1:${ports.scanner}` },
    headphones: { kind: 'evdev', path: JACK_FILE },
    ...(around
      ? {
          ups: { kind: 'nut', address: `tcp://127.0.0.1:${ports.ups}`, name: 'ups' },
          modbus: { path: `tcp://127.0.0.1:${ports.io}`, ...HALL_IO },
        }
      : {}),
    // Stands for a stick: it is in while the folder is there.
    export: { folder: 'stick' },
    maintenance: {
      users: [
        { name: DEMO_USER.name, card: DEMO_USER.card, salt: DEMO_USER.salt, hash: DEMO_USER.hash },
      ],
    },
  };
  const file = join(dataDir, 'terminal.json');
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`);
  return file;
}
