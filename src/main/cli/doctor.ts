import { createPrivateKey, createPublicKey } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { ZodError } from 'zod';
import { dialectOf } from '../../card/index.ts';
import { createBillingClient } from '../../billing/client.ts';
import { Journal } from '../../journal/journal.ts';
import { verifyJournal } from '../../journal/verify.ts';
import { loadPayments } from '../../payment/load.ts';
import type { ErrorCode, Failure } from '../../shared/errors.ts';
import type { IssuedPolicy } from '../../shared/policy.ts';
import type { Clock, Random } from '../../shared/ports.ts';
import { never } from '../../shared/result.ts';
import { chinaTime } from '../../shared/time.ts';
import { configProblems } from '../../shared/config/terminal.ts';
import type { TerminalConfig } from '../../shared/config/terminal.ts';
import { loadTerminalKeys } from '../core/terminal-keys.ts';
import { loadConfig } from '../config.ts';
import { clockBeside } from '../demo-clock.ts';
import type { LoadedConfig } from '../config.ts';
import { loadCardKeys } from '../core/card-keys.ts';
import { lineAdvice, loadCentralLine } from '../core/central-line.ts';
import { checkCertificates } from './certificates.ts';
import { failed, found } from './finding.ts';
import type { Finding, Level } from './finding.ts';
import { checkInstallation } from './installation.ts';
import type { InstallationPorts } from './installation.ts';
import { checkDevices, checkDisk } from './machine-checks.ts';
import { lookAtCard } from './card-look.ts';
import type { ReaderMaker } from './card-look.ts';
import type { PcscProbe } from './pcsc-probe.ts';

export type { Finding, Level } from './finding.ts';
export interface DoctorReport {
  readonly ok: boolean;
  readonly config: string;
  readonly findings: readonly Finding[];
}

export interface DoctorOptions {
  readonly configFile: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Looks at the PC/SC service; never talks to a card. */
  readonly pcsc: (useService: boolean) => Promise<PcscProbe>;
  /** Opens the configured readers for a look at their cards. */
  readonly readers: ReaderMaker;
  readonly installation: InstallationPorts;
}

const NETWORK_TIMEOUT_MS = 8_000;
/** Until a policy says otherwise: card payments and signatures are refused beyond minutes. */
const DEFAULT_SKEW_MS = 60_000;
const MIN_RSA_BITS = 2048;

/**
 * Looks at everything a kiosk needs and changes nothing (a file is written and taken away again, to
 * see that the disks can be written); works beside a running core.
 */
export async function doctor(given: DoctorOptions): Promise<DoctorReport> {
  const findings: Finding[] = [checkRuntime()];
  const loaded = loadConfig(given.configFile);
  const options = loaded.ok ? { ...given, clock: clockBeside(loaded.value, given.clock) } : given;
  if (loaded.ok) {
    const { config } = loaded.value;
    findings.push(
      found(
        'OK',
        'config',
        `${options.configFile}: terminal ${config.terminalId}, mode ${config.mode}`,
      ),
    );
    findings.push(
      ...checkKeyFiles(loaded.value),
      ...checkCertificates(loaded.value, options.clock.nowMs()),
      checkCardKeys(loaded.value),
      checkPins(config),
      checkMaintenance(config),
      ...checkJournal(loaded.value),
      ...checkDisk(loaded.value),
      ...checkInstallation(loaded.value, options.installation),
    );
    const probe = await options.pcsc(config.readers[0]?.kind === 'pcsc');
    findings.push(
      ...(
        await Promise.all([
          Promise.resolve(checkReader(config, probe)),
          checkCards(loaded.value, probe, options),
          checkDevices(loaded.value, options.clock),
          checkPayments(loaded.value, options),
          checkCentral(loaded.value, options),
        ])
      ).flat(),
    );
  } else
    findings.push(
      ...configFindings(options.configFile, loaded.error),
      found(
        'WARN',
        'config',
        'nothing else was checked',
        'correct the configuration, then run doctor again',
      ),
    );
  return { ok: findings.every((f) => f.level !== 'FAIL'), config: options.configFile, findings };
}

function checkRuntime(): Finding {
  try {
    const db = new Database(':memory:');
    const version = String(db.prepare('SELECT sqlite_version()').pluck().get());
    db.close();
    return found('OK', 'runtime', `Node ${process.versions.node}, SQLite ${version}`);
  } catch (cause) {
    return found(
      'FAIL',
      'runtime',
      `Node ${process.versions.node}; better-sqlite3 does not load: ${String(cause)}`,
      'install again: the native addons belong to the Node that ships with them',
    );
  }
}

/** Each bad key on a line of its own. */
function configFindings(file: string, f: Failure): Finding[] {
  if (!existsSync(file))
    return [
      found(
        'FAIL',
        'config',
        `${file} does not exist`,
        'name the file with --config, or start the demo once with npm start',
        'CONF-0101',
      ),
    ];
  if (f.cause instanceof ZodError)
    return configProblems(f.cause).map((problem) =>
      found(
        'FAIL',
        'config',
        problem,
        'correct this key in terminal.json (resources/terminal.schema.json describes it)',
        f.code,
      ),
    );
  return [
    failed(
      'config',
      f,
      f.code === 'CONF-0103'
        ? 'sample keys are published: use them in demo mode only, and seal the company’s own with `npx pilotlight keys seal`'
        : 'correct this key in terminal.json',
    ),
  ];
}

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
): readonly [problem: string, action: string] | null {
  if (file.kind === 'shared')
    return /^[\x21-\x7e]{16,256}$/.test(text.trim())
      ? null
      : [
          'not one line of 16 to 256 visible characters',
          'put the application’s key there, alone, as the acquirer gave it',
        ];
  if (file.secret !== text.includes('PRIVATE KEY'))
    return [
      file.secret
        ? 'not a private key'
        : 'a private key, where the public key or certificate belongs',
      'put the right PEM file there',
    ];
  try {
    const key = file.secret ? createPrivateKey(text) : createPublicKey(text);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (key.asymmetricKeyType === file.kind && (file.kind !== 'rsa' || bits >= MIN_RSA_BITS))
      return null;
    return [
      `${key.asymmetricKeyType ?? 'unknown'} key, ${file.kind === 'rsa' ? `RSA of at least ${MIN_RSA_BITS} bits` : 'Ed25519'} is needed`,
      'put the right PEM file there',
    ];
  } catch {
    return ['not a key in PEM form', 'put the PEM file there as it was issued'];
  }
}

function checkKeyFiles(loaded: LoadedConfig): Finding[] {
  return keyFilesOf(loaded.config).map((file) => {
    const path = loaded.path(file.path);
    const bad = (text: string, action: string): Finding =>
      found('FAIL', 'key-files', `${file.key}: ${text}`, action, 'CONF-0101');
    let pem: string;
    let mode: number;
    try {
      pem = readFileSync(path, 'utf8');
      mode = statSync(path).mode;
    } catch (cause) {
      return bad(
        `${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`,
        'put the PEM file there, readable by the user that runs the kiosk',
      );
    }
    const wrong = keyProblem(file, pem);
    if (wrong !== null) return bad(`${path}: ${wrong[0]}`, wrong[1]);
    // Windows has no such mode bits; there the folder's access list is the operator's to set.
    if (file.secret && process.platform !== 'win32' && (mode & 0o077) !== 0) {
      return found(
        loaded.config.mode === 'production' ? 'FAIL' : 'WARN',
        'key-files',
        `${file.key}: ${path} can be read by others (mode ${(mode & 0o777).toString(8)})`,
        `chmod 600 ${path}`,
        'CONF-0101',
      );
    }
    return found(
      'OK',
      'key-files',
      `${file.key}: ${KEY_NAMES[file.kind]} ${file.kind === 'shared' ? '' : file.secret ? 'private ' : 'public '}key`,
    );
  });
}

function checkMaintenance(config: TerminalConfig): Finding {
  const n = config.maintenance.users.length;
  if (n === 0)
    return found(
      'WARN',
      'maintenance',
      'nobody may enter maintenance mode',
      'npx pilotlight pin --name NAME prints a line for maintenance.users in terminal.json',
    );
  return found(
    'OK',
    'maintenance',
    `${n} ${n === 1 ? 'person' : 'people'} may enter maintenance mode`,
  );
}

function checkCardKeys(loaded: LoadedConfig): Finding {
  const keys = loadCardKeys(loaded);
  if (!keys.ok)
    return failed(
      'card-keys',
      keys.error,
      keys.error.code === 'CONF-0103'
        ? 'a packaged kiosk carries no sample keys: seal the company’s own with `npx pilotlight keys seal`'
        : 'see docs/operating.zh.md, “密钥”',
    );
  const { keys: named, payments } = loaded.config;
  const proofs = named.kind === 'psam' && named.profile?.wholeMac !== undefined;
  if (keys.value.id === 'sealed') return found('OK', 'card-keys', 'sealed for this machine');
  if (keys.value.id === 'psam')
    return found(
      'OK',
      'card-keys',
      `in a PSAM; whether it answers is seen when a card is sold to${proofs ? '' : '; cards of layout PL-24 are refused (CARD-0206), as it makes no proofs of 8 bytes (keys.profile.wholeMac)'}`,
    );
  if (keys.value.id === 'central') {
    const direct = payments.filter((p) => p.kind !== 'gateway').map((p) => p.kind);
    const known = `; central must know the public keys of ${direct.join(', ')}, else a paid card waits (BILL-0112, docs/payments.md)`;
    return found(
      'OK',
      'card-keys',
      `at central: nothing is sold while it is away${direct.length === 0 ? '' : known}`,
    );
  }
  return found(
    'WARN',
    'card-keys',
    'sample keys: published, for demo cards only',
    'never issue cards for real meters with these keys',
  );
}

/**
 * Whether every PIN and code is presented to a card that told how many tries are left. Memory cards
 * show their counter to every reader that is built in; a maker's program answers for itself.
 */
function checkPins({ purse }: TerminalConfig): Finding {
  return purse?.pinTries === 'blind'
    ? found(
        'WARN',
        'card-pins',
        'purse.pinTries is blind: PL-PURSE cards are given their PIN without asking how many tries are left; this kiosk stops before the last one that it knows of, but tries at other machines it cannot know',
        'leave purse.pinTries out if the cards answer VERIFY without data with 63Cx: try one (docs/layouts/pl-purse.md)',
        'CONF-0104',
      )
    : found(
        'OK',
        'card-pins',
        'PINs and codes are presented only where the card tells that two tries are left',
      );
}

function checkJournal(loaded: LoadedConfig): Finding[] {
  const dataDir = loaded.path(loaded.config.dataDir);
  const findings = [corePresence(dataDir)];
  if (!existsSync(Journal.file(dataDir)))
    return [
      ...findings,
      found(
        'WARN',
        'journal',
        `${Journal.file(dataDir)} does not exist yet`,
        'it is made at the first start; on a kiosk that has already sold, stop and find out where it went',
      ),
    ];
  const report = verifyJournal(dataDir, loaded.path(loaded.config.secondPath));
  if (report.terminalId !== null && report.terminalId !== loaded.config.terminalId)
    findings.push(
      found(
        'FAIL',
        'journal',
        `the journal belongs to terminal ${report.terminalId}`,
        'point dataDir at this terminal’s own journal',
        'JRNL-0101',
      ),
    );
  if (report.ok)
    findings.push(
      found(
        'OK',
        'journal',
        `${report.events} events, ${report.orders} orders, ${report.unsent} not yet acknowledged by central; chain, rows and second log agree`,
      ),
    );
  else
    findings.push(
      ...report.problems.map((problem) =>
        found(
          'FAIL',
          'journal',
          problem,
          'stop the kiosk, keep a copy of dataDir and secondPath, compare with central; do not repair by hand',
          journalCode(problem),
        ),
      ),
    );
  return findings;
}

function journalCode(problem: string): ErrorCode {
  if (problem.startsWith('cannot be')) return 'JRNL-0101';
  return problem === 'the schema was altered' ? 'JRNL-0102' : 'JRNL-0103';
}

/**
 * By the number that the core leaves behind; its lock is not touched, so that a starting core never
 * meets ours.
 */
function corePresence(dataDir: string): Finding {
  const file = join(dataDir, 'core.pid');
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    process.kill(pid, 0);
    return found('OK', 'core', `running (process ${pid})`);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
      ? found('OK', 'core', 'running, as another user')
      : found('OK', 'core', 'not running');
  }
}

function checkReader(config: TerminalConfig, probe: PcscProbe): Finding[] {
  const reader = config.readers[0];
  const wanted = reader?.kind === 'pcsc';
  const virtual = wanted
    ? []
    : reader?.kind === 'crt'
      ? [checkSerial(reader.path ?? '')]
      : [found('OK', 'reader', `virtual, waits for a simulated card at ${reader?.path ?? '?'}`)];
  switch (probe.kind) {
    case 'no-addon':
      return [
        ...virtual,
        found(
          wanted ? 'FAIL' : 'WARN',
          'pcsc',
          `pcsclite does not load: ${probe.detail}`,
          'install libpcsclite-dev, g++, make and python3, then npm rebuild pcsclite',
          wanted ? 'CARD-0107' : null,
        ),
      ];
    case 'loads':
      return [
        ...virtual,
        found('OK', 'pcsc', 'pcsclite loads; the service is not used by this configuration'),
      ];
    case 'no-service':
      return [
        found(
          'FAIL',
          'pcsc',
          `the PC/SC service does not answer: ${probe.detail}`,
          'systemctl enable --now pcscd.socket (Debian: apt-get install pcscd); on Windows start “Smart Card”',
          'CARD-0107',
        ),
      ];
    case 'readers': {
      const chosen = chosenOf(probe, reader?.match);
      const list = probe.names.length === 0 ? 'none' : probe.names.join('; ');
      if (chosen === undefined)
        return [
          found(
            'FAIL',
            'pcsc',
            `no reader matches “${reader?.match ?? ''}”; the service has: ${list}`,
            'check the USB cable and readers[0].match',
            'CARD-0107',
          ),
        ];
      const dialect = dialectOf(chosen, reader?.model);
      return [
        found(
          'OK',
          'pcsc',
          `reader “${chosen}” (the service has: ${list}); memory cards: ${dialect === null ? 'not by this reader, as far as its name tells' : `the ${dialect.id} dialect`}`,
        ),
      ];
    }
    default:
      return never(probe);
  }
}

/**
 * The card in each configured reader and in every other one of the service, read and never changed.
 * A running core has its readers to itself: they are left alone. One after the other: they are one
 * service's.
 */
async function checkCards(
  loaded: LoadedConfig,
  probe: PcscProbe,
  options: DoctorOptions,
): Promise<Finding[]> {
  if (corePresence(loaded.path(loaded.config.dataDir)).text.startsWith('running'))
    return [found('OK', 'card', 'not looked at: the running core has the readers')];
  const { readers } = loaded.config;
  const chosen = new Set(
    readers.filter((r) => r.kind === 'pcsc').map((r) => chosenOf(probe, r.match)),
  );
  const others = (probe.kind === 'readers' ? probe.names : []).filter((name) => !chosen.has(name));
  const looks = [
    ...readers.map((reader, i) => ({ where: `readers[${i}]`, reader, ours: true })),
    ...others.map((match) => ({
      where: 'not configured:',
      reader: { kind: 'pcsc', match } as const,
      ours: false,
    })),
  ];
  const findings: Finding[] = [];
  for (const { where, reader, ours } of looks) {
    const look = await lookAtCard(reader, options.readers, options.clock, {
      layouts: loaded.config.layouts,
      purse: loaded.config.purse,
      cwd: loaded.baseDir,
      terminalId: loaded.config.terminalId,
    });
    if (look === null) continue;
    const action =
      look.level === 'FAIL'
        ? `check the reader’s cable and power, and ${where} in terminal.json`
        : look.level === 'WARN'
          ? 'try another card; a customer with this one is told the same'
          : null;
    findings.push(
      ours
        ? found(look.level, 'card', `${where} ${look.text}`, action, look.code)
        : found('OK', 'card', `${where} ${look.text}`, null, null),
    );
  }
  return findings;
}

/** The reader of the service that a pattern means. */
const chosenOf = (probe: PcscProbe, match = ''): string | undefined =>
  probe.kind === 'readers'
    ? probe.names.find((name) => name.toLowerCase().includes(match.toLowerCase()))
    : undefined;

/** The port is looked at and not opened: a running kiosk has it. */
function checkSerial(port: string): Finding {
  try {
    accessSync(port, constants.R_OK | constants.W_OK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return found(
      'FAIL',
      'reader',
      `serial port ${port}: ${code}`,
      code === 'EACCES'
        ? 'add the kiosk’s user to the group dialout'
        : 'check the cable and readers[0].path',
      'CARD-0107',
    );
  }
  return found('OK', 'reader', `motor reader at ${port}`);
}

async function checkPayments(loaded: LoadedConfig, options: DoctorOptions): Promise<Finding[]> {
  const { config } = loaded;
  const line = loadCentralLine(loaded);
  const providers = loadPayments(config, loaded.baseDir, {
    clock: options.clock,
    random: options.random,
    timeoutMs: NETWORK_TIMEOUT_MS,
    gatewaySend: line.ok ? line.value : undefined,
  });
  if (!providers.ok)
    return [
      failed(
        'payment',
        providers.error,
        'correct these keys; without a payment line nothing is sold',
      ),
    ];
  return Promise.all(
    providers.value.map(async (provider) => {
      // A number that no order ever has: the answer must be a signed "unknown to us".
      const answer = await provider.query({
        outTradeNo: `PROBE${config.terminalId}`,
        amountFen: 0,
      });
      if (answer.kind === 'unknown')
        return failed(
          'payment',
          answer.failure,
          lineAdvice(answer.failure.cause) ??
            (answer.failure.code === 'PAY-0201'
              ? 'check payments[].platformKeys and this machine’s clock'
              : 'check the network, baseUrl, merchant number and key; without a payment line nothing is sold'),
        );
      return found('OK', 'payment', `${provider.kind}: the line answers, and its signature holds`);
    }),
  );
}

function centralAction({ code, cause }: Failure): string {
  const advice = lineAdvice(cause);
  if (advice !== null) return advice;
  if (code === 'BILL-0103') return 'enrol this terminal’s public key at central';
  if (code === 'BILL-0101')
    return 'check the network and central.baseUrl; cards whose account is cached are still sold to, within the policy’s limits';
  return 'check central.policyKeyFile, central.answerKeyFile and central’s version';
}

async function checkCentral(loaded: LoadedConfig, options: DoctorOptions): Promise<Finding[]> {
  const { config } = loaded;
  const line = loadCentralLine(loaded);
  if (!line.ok)
    return [failed('central', line.error, 'without it central is not reached: correct the file')];
  const keys = loadTerminalKeys(loaded);
  if (!keys.ok)
    return [
      found(
        'FAIL',
        'central',
        'not asked: its key files cannot be used',
        'see key-files above',
        'CONF-0101',
      ),
    ];
  const client = createBillingClient({
    baseUrl: config.central.baseUrl,
    terminalId: config.terminalId,
    ...keys.value,
    clock: options.clock,
    random: options.random,
    timeoutMs: NETWORK_TIMEOUT_MS,
    ...(line.value === undefined ? {} : { send: line.value }),
  });
  const [time, policy] = await Promise.all([client.time(), client.policy()]);
  const findings: Finding[] = [
    time.ok
      ? found('OK', 'central', `answers within ${Math.round(time.value.roundTripMs)} ms`)
      : failed('central', time.error, centralAction(time.error)),
  ];
  if (time.ok) {
    findings.push(
      policy.ok
        ? policyFinding(
            policy.value.policy,
            time.value.serverTimeMs,
            config.central.minPolicyVersion ?? 0,
          )
        : failed('policy', policy.error, centralAction(policy.error)),
    );
    const skewMs = Math.round(
      options.clock.nowMs() - time.value.roundTripMs / 2 - time.value.serverTimeMs,
    );
    const limitMs = policy.ok ? policy.value.policy.maxClockSkewMs : DEFAULT_SKEW_MS;
    findings.push(
      Math.abs(skewMs) > limitMs
        ? found(
            'FAIL',
            'clock',
            `${skewMs} ms from central’s, the limit is ${limitMs} ms`,
            'set the clock (timedatectl set-ntp true)',
            'CORE-0102',
          )
        : found('OK', 'clock', `${skewMs} ms from central’s`),
    );
  } else
    findings.push(
      found('WARN', 'clock', 'not compared: central does not answer', 'see central above'),
    );
  return findings;
}

/** A policy whose signature holds may still be one that nothing is sold by. */
function policyFinding(policy: IssuedPolicy, nowMs: number, minVersion: number): Finding {
  const what = `version ${policy.version}, until ${chinaTime(policy.expiresAtMs)}`;
  if (policy.version < minVersion)
    return found(
      'FAIL',
      'policy',
      `${what}: central.minPolicyVersion asks for ${minVersion}`,
      'put the newer policy in at central, or correct terminal.json',
      'SALE-0118',
    );
  return policy.expiresAtMs < nowMs
    ? found(
        'FAIL',
        'policy',
        `${what}: it is over`,
        'central must issue it anew: somebody may be answering with what central said once',
        'SALE-0118',
      )
    : found('OK', 'policy', `${what}, signature holds`);
}

export function doctorText(report: DoctorReport): string {
  const width = Math.max(...report.findings.map((f) => f.check.length));
  const lines = report.findings.flatMap((f) => {
    const head = `${f.level.padEnd(4)}  ${f.check.padEnd(width)}  ${f.code === null ? '' : `${f.code}  `}${f.text}`;
    return f.action === null ? [head] : [head, `${' '.repeat(width + 8)}→ ${f.action}`];
  });
  const count = (level: Level): number => report.findings.filter((f) => f.level === level).length;
  return [...lines, `${count('OK')} ok, ${count('WARN')} warnings, ${count('FAIL')} failures`].join(
    '\n',
  );
}
