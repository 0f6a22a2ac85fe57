import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { schemaOf } from '../../central/db/migrate.ts';
import { MIGRATIONS } from '../../central/db/migrations/index.ts';
import type { Failure } from '../../shared/errors.ts';
import { describeFailure } from '../../shared/errors.ts';
import { adminSocket, askAdmin } from './admin.ts';
import type { AdminTalk } from './admin.ts';
import { centralFingerprint } from '../../shared/enrolment.ts';
import { makeKeys } from './init.ts';
import type { CentralConfig } from './config.ts';
import { loadCentralConfig, loadCentralKeys, loadService } from './load.ts';
import type { CentralKeys, LoadedCentral, ServicePorts } from './load.ts';
import { NOUNS } from './nouns.ts';
import { openDatabase } from './open-database.ts';
import { carryOutHere, serve } from './serve.ts';

/** How it is used, with the nouns' own lines. */
export const usage = (): string =>
  [
    'usage: pilotlight central [--config FILE]                 serve, until it is told to end',
    '       pilotlight central init [--config FILE]            make the keys that are missing',
    '       pilotlight central check [--config FILE]           look at configuration, keys, database',
    ...Object.values(NOUNS).map((noun) => noun.USAGE),
    '  --config FILE  a central.json (default: central.json)',
    '  FILE           - is the standard input',
    '  --by NAME      who does it, for the audit (default: the system’s user)',
    'exit code: 0 done, 1 refused or failed, 2 wrong usage',
  ].join('\n');

/** What the command needs of its process. */
export interface CentralPorts extends ServicePorts {
  /** Relative paths start here. */
  readonly cwd: string;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** What `-` in place of a file reads, whole: a file that the service's user may not read. */
  readonly stdin: () => Promise<Uint8Array>;
  /** The system's user. */
  readonly user: string;
  /** Resolves when central is told to end. */
  readonly told: Promise<void>;
}

/** Takes `--name VALUE` out of the arguments. */
function taken(
  args: readonly string[],
  name: string,
): { readonly value: string | null; readonly rest: readonly string[] } {
  const at = args.findIndex((a) => a === name || a.startsWith(`${name}=`));
  if (at < 0) return { value: null, rest: args };
  const whole = args[at] as string;
  return whole === name
    ? { value: args[at + 1] ?? '', rest: args.toSpliced(at, 2) }
    : { value: whole.slice(name.length + 1), rest: args.toSpliced(at, 1) };
}

/** Runs `npx pilotlight central …`. @returns the exit code */
export async function runCentral(argv: readonly string[], ports: CentralPorts): Promise<number> {
  const config = taken(argv, '--config');
  const by = taken(config.rest, '--by');
  const args = by.rest;
  const [verb] = args;
  if (verb === '--help' || verb === '-h' || verb === 'help') {
    ports.out(usage());
    return 0;
  }
  const known =
    verb === undefined || ['init', 'check'].includes(verb) || Object.hasOwn(NOUNS, verb);
  if (!known || config.value === '' || by.value === '') {
    ports.err(
      `pilotlight central: ${known ? 'an option lacks its value' : `no such command: ${verb}`}\n${usage()}`,
    );
    return 2;
  }
  const loaded = loadCentralConfig(resolve(ports.cwd, config.value ?? 'central.json'));
  if (!loaded.ok) return refused(ports, loaded.error);
  if (verb === 'init') return init(loaded.value, ports);
  const keys = loadCentralKeys(loaded.value);
  if (!keys.ok) return refused(ports, keys.error);
  if (verb === undefined) return serveUntilTold(loaded.value, keys.value, ports);
  if (verb === 'check') return check(loaded.value, keys.value, ports);
  return command(loaded.value, keys.value, ports, { args, who: by.value ?? ports.user });
}

function refused(ports: CentralPorts, failure: Failure): 1 {
  // The code's own words speak of a kiosk's configuration; the detail names the file and each key.
  const { code, detail } = failure;
  ports.err(
    `pilotlight central: ${detail === undefined ? describeFailure(failure) : `${code}: ${detail}`}`,
  );
  return 1;
}

function init(loaded: LoadedCentral, ports: CentralPorts): number {
  for (const line of makeKeys(loaded)) ports.out(line);
  const keys = loadCentralKeys(loaded);
  if (!keys.ok) return refused(ports, keys.error);
  // What a machine shows, too, when it is let in.
  ports.out(`central ${centralFingerprint(keys.value.public)}`);
  return 0;
}

/** What is allowed, and yet seldom meant. */
const remarks = ({ payments }: CentralConfig): readonly string[] =>
  (payments?.wallets ?? []).flatMap(({ wallet }, i) =>
    wallet.kind === 'wechat' && wallet.browser === undefined
      ? [
          `payments.wallets[${i}].wallet.browser: left out, so nobody pays with WeChat by the gateway's code`,
        ]
      : [],
  );

async function check(
  loaded: LoadedCentral,
  keys: CentralKeys,
  ports: CentralPorts,
): Promise<number> {
  const parts = loadService(loaded, keys, ports);
  if (!parts.ok) return refused(ports, parts.error);
  ports.out(`${loaded.file}: well`);
  for (const remark of remarks(loaded.config)) ports.out(remark);
  try {
    const db = await openDatabase(loaded, ports);
    try {
      const schema = await schemaOf(db);
      const behind =
        schema === 0
          ? ': empty; its tables are made when central starts'
          : `: of ${MIGRATIONS.length}; the rest is made when central starts, so have a backup first`;
      ports.out(`database: reached, schema ${schema}${schema === MIGRATIONS.length ? '' : behind}`);
    } finally {
      await db.close();
    }
    return 0;
  } catch (cause) {
    ports.err(`database: ${cause instanceof Error ? cause.message : String(cause)}`);
    return 1;
  }
}

async function serveUntilTold(
  loaded: LoadedCentral,
  keys: CentralKeys,
  ports: CentralPorts,
): Promise<number> {
  let serving;
  try {
    serving = await serve(loaded, keys, ports);
  } catch (cause) {
    ports.err(`pilotlight central: ${cause instanceof Error ? cause.message : String(cause)}`);
    return 1;
  }
  if (!serving.ok) return refused(ports, serving.error);
  const { doors, stop } = serving.value;
  for (const [name, { baseUrl }] of Object.entries(doors))
    ports.log('info', 'central', 'listening', { door: name, at: baseUrl });
  await ports.told;
  ports.log('info', 'central', 'ending');
  const orderly = await stop();
  if (!orderly) ports.log('warn', 'central', 'ended before everything under way had');
  return 0;
}

/** A file that the command's user may not see is the commonest slip: commands run as the service's. */
async function readByUser(path: string, user: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EACCES')
      throw new Error(`the user ${user} may not read it; give it as - instead, with < FILE`, {
        cause,
      });
    if (code === 'ENOENT') throw new Error('there is no such file', { cause });
    throw cause;
  }
}

async function command(
  loaded: LoadedCentral,
  keys: CentralKeys,
  ports: CentralPorts,
  ask: { readonly args: readonly string[]; readonly who: string },
): Promise<number> {
  const at = (path: string): string => resolve(ports.cwd, path);
  const talk: AdminTalk = {
    out: ports.out,
    err: ports.err,
    readFile: (path) => (path === '-' ? ports.stdin() : readByUser(at(path), ports.user)),
    writeFile: (path, text) => writeFile(at(path), text, { mode: 0o600, flag: 'wx' }),
  };
  const { config, path } = loaded;
  try {
    if (config.database.kind === 'embedded') {
      const exit = await askAdmin(adminSocket(path(config.dataDir)), ask, talk);
      if (exit !== null) return exit;
    }
    return await carryOutHere(loaded, keys, ports, ask, talk);
  } catch (cause) {
    ports.err(`pilotlight central: ${cause instanceof Error ? cause.message : String(cause)}`);
    return 1;
  }
}
