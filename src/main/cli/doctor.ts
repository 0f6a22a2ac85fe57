import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { ZodError } from 'zod';
import { configProblems } from '../../shared/config/terminal.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock, Random } from '../../shared/ports.ts';
import { loadConfig } from '../config.ts';
import type { LoadedConfig } from '../config.ts';
import { clockBeside } from '../demo-clock.ts';
import type { ReaderMaker } from './card-look.ts';
import { checkCertificates } from './certificates.ts';
import { checkJournal } from './doctor-journal.ts';
import { checkCardKeys, checkKeyFiles, checkMaintenance, checkPins } from './doctor-keys.ts';
import { checkCentral, checkPayments } from './doctor-lines.ts';
import { checkMounted, checkOwners, systemOwners } from './doctor-owner.ts';
import type { OwnerPorts } from './doctor-owner.ts';
import { checkCards, checkReader } from './doctor-readers.ts';
import { namedIn, salvage } from './doctor-salvage.ts';
import type { ConfigKey } from './doctor-salvage.ts';
import { as, failed, found } from './finding.ts';
import type { Finding, Level } from './finding.ts';
import { checkInstallation } from './installation.ts';
import type { InstallationPorts } from './installation.ts';
import { checkDevices, checkDisk } from './machine-checks.ts';
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
  /** Left out: this machine's. */
  readonly owners?: OwnerPorts;
}

/**
 * Looks at everything a kiosk needs and changes nothing (a file is written and taken away again, to
 * see that the disks can be written); works beside a running core. Of a configuration with mistakes
 * it looks at what does not depend on them.
 */
export async function doctor(given: DoctorOptions): Promise<DoctorReport> {
  const { configFile } = given;
  const findings: Finding[] = [checkRuntime()];
  const loaded = loadConfig(configFile);
  if (loaded.ok) {
    const { terminalId, mode } = loaded.value.config;
    findings.push(
      found('OK', 'config', {
        zh: `${configFile}：终端 ${terminalId}，模式 ${mode}`,
        en: `${configFile}: terminal ${terminalId}, mode ${mode}`,
      }),
      ...(await lookAround(loaded.value, new Set(), given)),
    );
  } else {
    findings.push(...configFindings(configFile, loaded.error));
    const rest = salvage(configFile);
    if (rest !== null) {
      const lost = new Set([...rest.lost, ...namedIn(loaded.error.detail ?? '')]);
      findings.push(...(await lookAround(rest.loaded, lost, given)));
    }
    findings.push(notLookedAt(rest === null));
  }
  return { ok: findings.every((f) => f.level !== 'FAIL'), config: configFile, findings };
}

function notLookedAt(all: boolean): Finding {
  return found(
    'WARN',
    'config',
    all
      ? { zh: '其余都没有检查', en: 'nothing else was checked' }
      : {
          zh: '与这些项有关的没有检查',
          en: 'what depends on these keys was not checked',
        },
    {
      zh: '改正配置，再运行一次 doctor',
      en: 'correct the configuration, then run doctor again',
    },
  );
}

/** What is looked at, and the parts of terminal.json that it depends on. */
interface Check {
  readonly needs: readonly ConfigKey[];
  readonly run: (
    loaded: LoadedConfig,
    options: DoctorOptions,
    probe: PcscProbe,
  ) => Finding | readonly Finding[] | Promise<readonly Finding[]>;
}

/** At once, in the order in which they are told. */
const CHECKS: readonly Check[] = [
  { needs: ['central', 'payments'], run: checkKeyFiles },
  {
    needs: ['central', 'payments'],
    run: (loaded, { clock }) => checkCertificates(loaded, clock.nowMs()),
  },
  { needs: ['keys', 'payments', 'mode'], run: checkCardKeys },
  { needs: ['purse'], run: ({ config }) => checkPins(config) },
  { needs: ['maintenance'], run: ({ config }) => checkMaintenance(config) },
  { needs: ['dataDir', 'secondPath', 'terminalId'], run: checkJournal },
  { needs: ['dataDir', 'secondPath'], run: checkDisk },
  {
    needs: ['dataDir', 'secondPath'],
    run: (loaded, { owners = systemOwners }) => [
      ...checkMounted(loaded, owners),
      ...checkOwners(loaded, owners),
    ],
  },
  {
    needs: ['dataDir', 'secondPath'],
    run: (loaded, { installation }) => checkInstallation(loaded, installation),
  },
  { needs: ['readers'], run: ({ config }, _options, probe) => checkReader(config, probe) },
  {
    needs: ['readers', 'layouts', 'purse', 'dataDir'],
    run: (loaded, options, probe) => checkCards(loaded, probe, options),
  },
  {
    needs: ['printer', 'scanner', 'headphones', 'ups', 'modbus', 'speaker'],
    run: (loaded, { clock }) => checkDevices(loaded, clock),
  },
  { needs: ['payments', 'central', 'terminalId'], run: checkPayments },
  { needs: ['central', 'terminalId'], run: checkCentral },
];

async function lookAround(
  loaded: LoadedConfig,
  lost: ReadonlySet<string>,
  given: DoctorOptions,
): Promise<Finding[]> {
  const options = { ...given, clock: clockBeside(loaded, given.clock) };
  const probe = await options.pcsc(loaded.config.readers[0]?.kind === 'pcsc');
  const checks = CHECKS.filter(({ needs }) => needs.every((key) => !lost.has(key)));
  const told = await Promise.all(
    checks.map(async ({ run }) => [await run(loaded, options, probe)].flat()),
  );
  return told.flat();
}

function checkRuntime(): Finding {
  const node = `Node ${process.versions.node}`;
  try {
    const db = new Database(':memory:');
    const version = String(db.prepare('SELECT sqlite_version()').pluck().get());
    db.close();
    return found('OK', 'runtime', as(`${node}, SQLite ${version}`));
  } catch (cause) {
    return found(
      'FAIL',
      'runtime',
      {
        zh: `${node}；better-sqlite3 装载不了：${String(cause)}`,
        en: `${node}; better-sqlite3 does not load: ${String(cause)}`,
      },
      {
        zh: '重新安装：本机代码与所带的 Node 是一套',
        en: 'install again: the native addons belong to the Node that ships with them',
      },
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
        { zh: `${file} 不存在`, en: `${file} does not exist` },
        {
          zh: '用 --config 指明文件，或先用 npm start 启动一次演示',
          en: 'name the file with --config, or start the demo once with npm start',
        },
        'CONF-0101',
      ),
    ];
  if (f.cause instanceof ZodError)
    return configProblems(f.cause).map((problem) =>
      found(
        'FAIL',
        'config',
        as(problem),
        {
          zh: '改正 terminal.json 里的这一项（resources/terminal.schema.json 说明每一项）',
          en: 'correct this key in terminal.json (resources/terminal.schema.json describes it)',
        },
        f.code,
      ),
    );
  return [
    failed(
      'config',
      f,
      f.code === 'CONF-0103'
        ? {
            zh: '演示密钥已公开，只能用于演示：用 `npx pilotlight keys seal` 封存公司自己的密钥',
            en: 'sample keys are published: use them in demo mode only, and seal the company’s own with `npx pilotlight keys seal`',
          }
        : {
            zh: '改正 terminal.json 里的这一项',
            en: 'correct this key in terminal.json',
          },
    ),
  ];
}

const LEVELS: Readonly<Record<Level, string>> = { OK: '正常', WARN: '注意', FAIL: '故障' };

/** The report for people, a line for each finding and one for what to do. */
export function doctorText(report: DoctorReport, locale: 'zh' | 'en' = 'en'): string {
  const zh = locale === 'zh';
  const width = Math.max(...report.findings.map((f) => f.check.length));
  const lines = report.findings.flatMap((f) => {
    const { text, action } = zh ? f.zh : f;
    const level = zh ? LEVELS[f.level] : f.level.padEnd(4);
    const head = `${level}  ${f.check.padEnd(width)}  ${f.code === null ? '' : `${f.code}  `}${text}`;
    return action === null ? [head] : [head, `${' '.repeat(width + 8)}→ ${action}`];
  });
  const count = (level: Level): number => report.findings.filter((f) => f.level === level).length;
  const [ok, warn, fail] = [count('OK'), count('WARN'), count('FAIL')];
  return [
    ...lines,
    zh
      ? `正常 ${ok} 项，注意 ${warn} 项，故障 ${fail} 项`
      : `${ok} ok, ${warn} warnings, ${fail} failures`,
  ].join('\n');
}
