import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { TerminalConfig } from '../../shared/config/terminal.ts';
import type { ErrorText } from '../../shared/errors.ts';
import { never } from '../../shared/result.ts';
import type { LoadedConfig } from '../config.ts';
import { loadCardKeys } from '../core/card-keys.ts';
import { failed, found } from './finding.ts';
import type { Finding } from './finding.ts';

const MIN_RSA_BITS = 2048;

interface KeyFile {
  readonly key: string;
  readonly path: string;
  readonly secret: boolean;
  /** `shared`: both sides have it; text, no PEM. */
  readonly kind: 'ed25519' | 'rsa' | 'shared';
}

const KEY_NAMES = { rsa: 'RSA', ed25519: 'Ed25519', shared: 'shared' } as const;

const usesGatewayKey = (p: TerminalConfig['payments'][number]): boolean =>
  p.kind === 'gateway' && p.answerKeyFile === undefined;

function keyFilesOf(config: TerminalConfig): KeyFile[] {
  return [
    { key: 'central.keyFile', path: config.central.keyFile, secret: true, kind: 'ed25519' },
    ...(['policyKeyFile', 'answerKeyFile', 'gatewayKeyFile'] as const)
      // Without a gateway nobody signs with its key.
      .filter((name) => name !== 'gatewayKeyFile' || config.payments.some(usesGatewayKey))
      .map((name): KeyFile => {
        return {
          key: `central.${name}`,
          path: config.central[name],
          secret: false,
          kind: 'ed25519',
        };
      }),
    ...config.payments.flatMap((p, i): KeyFile[] => {
      switch (p.kind) {
        case 'wechat':
          return [
            {
              key: `payments[${i}].merchantKeyFile`,
              path: p.merchantKeyFile,
              secret: true,
              kind: 'rsa',
            },
            ...Object.entries(p.platformKeys).map(([serial, path]): KeyFile => ({
              key: `payments[${i}].platformKeys.${serial}`,
              path,
              secret: false,
              kind: 'rsa',
            })),
          ];
        case 'alipay':
          return [
            { key: `payments[${i}].appKeyFile`, path: p.appKeyFile, secret: true, kind: 'rsa' },
            {
              key: `payments[${i}].alipayKeyFile`,
              path: p.alipayKeyFile,
              secret: false,
              kind: 'rsa',
            },
          ];
        case 'unionpay':
          return [
            { key: `payments[${i}].appKeyFile`, path: p.appKeyFile, secret: true, kind: 'shared' },
          ];
        case 'gateway':
          // Otherwise central's two keys above.
          return p.answerKeyFile === undefined
            ? []
            : [
                {
                  key: `payments[${i}].answerKeyFile`,
                  path: p.answerKeyFile,
                  secret: false,
                  kind: 'ed25519',
                },
              ];
        default:
          return never(p);
      }
    }),
  ];
}

/** What makes the file's text unusable, and what to do; null: nothing. */
function keyProblem(
  file: KeyFile,
  text: string,
): readonly [problem: ErrorText, action: ErrorText] | null {
  const pem: ErrorText = { zh: '换成正确的 PEM 文件', en: 'put the right PEM file there' };
  if (file.kind === 'shared')
    return /^[\x21-\x7e]{16,256}$/.test(text.trim())
      ? null
      : [
          {
            zh: '不是一行 16 至 256 个可见字符',
            en: 'not one line of 16 to 256 visible characters',
          },
          {
            zh: '把收单机构给的应用密钥原样放进去，只放这一行',
            en: 'put the application’s key there, alone, as the acquirer gave it',
          },
        ];
  if (file.secret !== text.includes('PRIVATE KEY'))
    return [
      file.secret
        ? { zh: '不是私钥', en: 'not a private key' }
        : {
            zh: '这里应放公钥或证书，放的却是私钥',
            en: 'a private key, where the public key or certificate belongs',
          },
      pem,
    ];
  try {
    const key = file.secret ? createPrivateKey(text) : createPublicKey(text);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (key.asymmetricKeyType === file.kind && (file.kind !== 'rsa' || bits >= MIN_RSA_BITS))
      return null;
    const is = key.asymmetricKeyType ?? 'unknown';
    const needed =
      file.kind === 'rsa'
        ? { zh: `至少 ${MIN_RSA_BITS} 位的 RSA`, en: `RSA of at least ${MIN_RSA_BITS} bits` }
        : { zh: 'Ed25519', en: 'Ed25519' };
    return [
      { zh: `是 ${is} 密钥，需要 ${needed.zh}`, en: `${is} key, ${needed.en} is needed` },
      pem,
    ];
  } catch {
    return [
      { zh: '不是 PEM 格式的密钥', en: 'not a key in PEM form' },
      { zh: '把发下来的 PEM 文件原样放进去', en: 'put the PEM file there as it was issued' },
    ];
  }
}

/** Every key file that the configuration names: there, of its kind, and nobody else's to read. */
export function checkKeyFiles(loaded: LoadedConfig): Finding[] {
  return keyFilesOf(loaded.config).map((file) => checkKeyFile(loaded, file));
}

function checkKeyFile(loaded: LoadedConfig, file: KeyFile): Finding {
  const path = loaded.path(file.path);
  const bad = (text: ErrorText, action: ErrorText): Finding =>
    found(
      'FAIL',
      'key-files',
      { zh: `${file.key}：${text.zh}`, en: `${file.key}: ${text.en}` },
      action,
      'CONF-0101',
    );
  let pem: string;
  let mode: number;
  try {
    pem = readFileSync(path, 'utf8');
    mode = statSync(path).mode;
  } catch (cause) {
    const why = `${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`;
    return bad(
      { zh: why, en: why },
      {
        zh: '把 PEM 文件放到这里，让运行本机的用户能读',
        en: 'put the PEM file there, readable by the user that runs the kiosk',
      },
    );
  }
  const wrong = keyProblem(file, pem);
  if (wrong !== null)
    return bad({ zh: `${path}：${wrong[0].zh}`, en: `${path}: ${wrong[0].en}` }, wrong[1]);
  // Windows has no such mode bits; there the folder's access list is the operator's to set.
  if (file.secret && process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const bits = (mode & 0o777).toString(8);
    const mend = `chmod 600 ${path}`;
    return found(
      loaded.config.mode === 'production' ? 'FAIL' : 'WARN',
      'key-files',
      {
        zh: `${file.key}：${path} 别的用户也能读（权限 ${bits}）`,
        en: `${file.key}: ${path} can be read by others (mode ${bits})`,
      },
      { zh: mend, en: mend },
      'CONF-0101',
    );
  }
  const half = file.kind === 'shared' ? '' : file.secret ? 'private ' : 'public ';
  const zhHalf = file.kind === 'shared' ? '共享密钥' : file.secret ? '私钥' : '公钥';
  return found('OK', 'key-files', {
    zh: `${file.key}：${file.kind === 'shared' ? '' : `${KEY_NAMES[file.kind]} `}${zhHalf}`,
    en: `${file.key}: ${KEY_NAMES[file.kind]} ${half}key`,
  });
}

/** Who may enter maintenance mode. */
export function checkMaintenance(config: TerminalConfig): Finding {
  const n = config.maintenance.users.length;
  if (n === 0)
    return found(
      'WARN',
      'maintenance',
      { zh: '没有人能进入维护', en: 'nobody may enter maintenance mode' },
      {
        zh: 'npx pilotlight pin --name 姓名 会给出一行，放进 terminal.json 的 maintenance.users',
        en: 'npx pilotlight pin --name NAME prints a line for maintenance.users in terminal.json',
      },
    );
  return found('OK', 'maintenance', {
    zh: `${n} 人可以进入维护`,
    en: `${n} ${n === 1 ? 'person' : 'people'} may enter maintenance mode`,
  });
}

/** Where the card keys are, as far as that can be told without a card. */
export function checkCardKeys(loaded: LoadedConfig): Finding {
  const keys = loadCardKeys(loaded);
  if (!keys.ok)
    return failed(
      'card-keys',
      keys.error,
      keys.error.code === 'CONF-0103'
        ? {
            zh: '安装包里没有演示密钥：用 `npx pilotlight keys seal` 封存公司自己的密钥',
            en: 'a packaged kiosk carries no sample keys: seal the company’s own with `npx pilotlight keys seal`',
          }
        : {
            zh: '见工程师手册“密钥”一节（docs/operating-engineer.zh.md）',
            en: 'see docs/operating-engineer.zh.md, “密钥”',
          },
    );
  const { keys: named, payments } = loaded.config;
  const proofs = named.kind === 'psam' && named.profile?.wholeMac !== undefined;
  if (keys.value.id === 'sealed')
    return found('OK', 'card-keys', { zh: '已为本机封存', en: 'sealed for this machine' });
  if (keys.value.id === 'psam')
    return found('OK', 'card-keys', {
      zh: `在 PSAM 里；是否应答，写卡时才知道${proofs ? '' : '；PL-24 卡不售（CARD-0206）：它不出 8 字节的证明（keys.profile.wholeMac）'}`,
      en: `in a PSAM; whether it answers is seen when a card is sold to${proofs ? '' : '; cards of layout PL-24 are refused (CARD-0206), as it makes no proofs of 8 bytes (keys.profile.wholeMac)'}`,
    });
  if (keys.value.id === 'central') {
    const direct = payments.filter((p) => p.kind !== 'gateway').map((p) => p.kind);
    const known = `; central must know the public keys of ${direct.join(', ')}, else a paid card waits (BILL-0112, docs/payments.md)`;
    const zhKnown = `；中心要有 ${direct.join('、')} 的公钥，否则付了款的卡要等（BILL-0112）`;
    return found('OK', 'card-keys', {
      zh: `在中心：中心不通时不售${direct.length === 0 ? '' : zhKnown}`,
      en: `at central: nothing is sold while it is away${direct.length === 0 ? '' : known}`,
    });
  }
  return found(
    'WARN',
    'card-keys',
    {
      zh: '演示密钥：已公开，只能用于演示卡',
      en: 'sample keys: published, for demo cards only',
    },
    {
      zh: '绝不要用这些密钥发真实表具的卡',
      en: 'never issue cards for real meters with these keys',
    },
  );
}

/**
 * Whether every PIN and code is presented to a card that told how many tries are left. Memory cards
 * show their counter to every reader that is built in; a maker's program answers for itself.
 */
export function checkPins({ purse }: TerminalConfig): Finding {
  return purse?.pinTries === 'blind'
    ? found(
        'WARN',
        'card-pins',
        {
          zh: 'purse.pinTries 为 blind：向 PL-PURSE 卡出示 PIN 前不问剩余次数；本机停在自己所知的最后一次之前，别处试过几次它不知道',
          en: 'purse.pinTries is blind: PL-PURSE cards are given their PIN without asking how many tries are left; this kiosk stops before the last one that it knows of, but tries at other machines it cannot know',
        },
        {
          zh: '如果卡对不带数据的 VERIFY 回答 63Cx，就去掉 purse.pinTries：拿一张卡试（docs/layouts/pl-purse.md）',
          en: 'leave purse.pinTries out if the cards answer VERIFY without data with 63Cx: try one (docs/layouts/pl-purse.md)',
        },
        'CONF-0104',
      )
    : found('OK', 'card-pins', {
        zh: '只有卡说明还剩两次以上，才出示 PIN 和密码',
        en: 'PINs and codes are presented only where the card tells that two tries are left',
      });
}
