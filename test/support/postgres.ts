import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { freePorts } from './ports.ts';
import { Unprivileged } from './unprivileged.ts';

/** Where Debian keeps a version's programs. */
const VERSIONS = '/usr/lib/postgresql';
/** The superuser of every cluster here. */
const USER = 'pilotlight';

function binFolder(): string {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS).map(Number) : [];
  const newest = Math.max(...versions);
  if (!Number.isFinite(newest)) throw new Error('no PostgreSQL server: apt-get install postgresql');
  return join(VERSIONS, String(newest), 'bin');
}

/** How a cluster is made. */
export interface ClusterOptions {
  /** Lines of postgresql.conf. */
  readonly settings?: readonly string[];
  /** Where its data are; its own folder where not given. */
  readonly dataDir?: string;
  /** Made by `initdb`, or by the caller (a base backup). */
  readonly made?: boolean;
}

/**
 * A throw-away PostgreSQL server with a folder, a user and a port of its own; no other cluster of
 * the machine is touched. It refuses root: then it runs as nobody.
 */
export class Cluster {
  readonly user: Unprivileged;
  readonly dataDir: string;
  readonly port: number;
  #server: ChildProcess | null = null;

  private constructor(user: Unprivileged, dataDir: string, port: number) {
    this.user = user;
    this.dataDir = dataDir;
    this.port = port;
  }

  /** Made and started. */
  static async start(options: ClusterOptions = {}, user = new Unprivileged()): Promise<Cluster> {
    const dataDir = options.dataDir ?? join(user.folder, 'data');
    const cluster = new Cluster(user, dataDir, await freePorts(1));
    if (options.made !== true) {
      mkdirSync(dataDir, { mode: 0o700 });
      user.give(dataDir);
      cluster.run('initdb', [
        '--pgdata',
        dataDir,
        '--username',
        USER,
        '--auth',
        'trust',
        '--encoding',
        'UTF8',
        '--locale',
        'C.UTF-8',
        '--no-sync',
      ]);
    }
    appendFileSync(
      join(dataDir, 'postgresql.conf'),
      [
        "listen_addresses = '127.0.0.1'",
        "unix_socket_directories = ''",
        `port = ${cluster.port}`,
        'max_connections = 300',
        'shared_buffers = 64MB',
        'logging_collector = off',
        ...(options.settings ?? []),
        '',
      ].join('\n'),
    );
    await cluster.up();
    return cluster;
  }

  /** One of the server's programs, as its user; what it printed. */
  run(program: string, args: readonly string[]): string {
    const [command, ...argv] = this.#asUser(join(binFolder(), program), args);
    const r = spawnSync(command as string, argv, {
      encoding: 'utf8',
      env: this.user.env(),
      cwd: this.user.folder,
    });
    if (r.status !== 0) throw new Error(`${program}: ${r.stderr}${r.stdout}`);
    return r.stdout;
  }

  #asUser(program: string, args: readonly string[]): readonly string[] {
    const { uid } = this.user;
    return uid === null
      ? [program, ...args]
      : [
          'setpriv',
          '--reuid',
          String(uid),
          '--regid',
          String(uid),
          '--clear-groups',
          program,
          ...args,
        ];
  }

  /** Starts the server; resolves once it answers. */
  async up(): Promise<void> {
    const [command, ...argv] = this.#asUser(join(binFolder(), 'postgres'), ['-D', this.dataDir]);
    // A file and no pipe: the server of a whole run outlives the test file that started it.
    const log = openSync(this.#log, 'a');
    const server = spawn(command as string, argv, {
      env: this.user.env(),
      cwd: this.user.folder,
      stdio: ['ignore', 'ignore', log],
    });
    closeSync(log);
    let ended = false;
    server.once('exit', () => (ended = true));
    this.#server = server;
    for (let tries = 0; ; tries++) {
      if (await this.#answers()) return;
      if (ended || tries > 600) throw new Error(`the server does not start: ${this.said()}`);
      await pause(25);
    }
  }

  get #log(): string {
    return join(this.user.folder, `server-${this.port}.log`);
  }
  /** What the server wrote to its log. */
  said(): string {
    return readFileSync(this.#log, 'utf8');
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url('postgres') });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** How a database of the cluster is reached. */
  url(database: string, params = ''): string {
    return `postgres://${USER}@127.0.0.1:${this.port}/${database}${params}`;
  }

  /** SQL as the superuser, outside of any pool. */
  async ask<R extends pg.QueryResultRow>(
    sql: string,
    params: readonly unknown[] = [],
    database = 'postgres',
  ): Promise<readonly R[]> {
    const client = new pg.Client({ connectionString: this.url(database) });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<R>(sql, [...params])).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  #databases = 0;
  /** A new, empty database. @returns its name */
  async create(): Promise<string> {
    const name = `d${process.pid}_${++this.#databases}`;
    await this.ask(`CREATE DATABASE ${name}`);
    return name;
  }

  /** SIGKILL to the server and all that it started: what is in the system's caches stays. */
  async kill(): Promise<void> {
    const pids = [this.#pid(), ...this.#children()];
    for (const pid of pids) kill(pid, 'SIGKILL');
    await this.#gone();
  }

  /** Starts it again where it has ended. */
  async revive(): Promise<void> {
    if (await this.#answers()) return;
    await this.kill();
    await this.up();
  }

  /** An immediate end that leaves nothing behind. */
  async stop(): Promise<void> {
    kill(this.#pid(), 'SIGQUIT');
    await this.#gone();
    this.user.dispose();
  }

  /** The server's own process: where it runs as another user, `setpriv` has become it. */
  #pid(): number {
    return this.#server?.pid ?? 0;
  }

  #children(): readonly number[] {
    const pid = String(this.#pid());
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return [];
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === pid ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
  }

  async #gone(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    await new Promise((resolve) => server.once('exit', resolve));
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

/**
 * The one cluster of a run of the unit suite: the first test file that needs it starts it, the
 * others find it, and the run's end takes it away (test/support/postgres-setup.ts). It forgets at a
 * power cut, which makes it quicker.
 *
 * @param folder the run's own
 * @returns a new, empty database's address
 */
export async function sharedDatabase(folder: string): Promise<string> {
  const ready = join(folder, 'cluster.json');
  const failed = join(folder, 'failed');
  try {
    mkdirSync(join(folder, 'starting'));
    const cluster = await Cluster.start({
      settings: ['fsync = off', 'full_page_writes = off', 'autovacuum = off'],
    });
    const written = `${ready}.new`;
    writeFileSync(
      written,
      JSON.stringify({ port: cluster.port, dataDir: cluster.dataDir, folder: cluster.user.folder }),
    );
    renameSync(written, ready);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      writeFileSync(failed, '');
      throw cause;
    }
  }
  for (let tries = 0; !existsSync(ready); tries++) {
    if (tries > 2_400 || existsSync(failed))
      throw new Error('the cluster of this run does not start');
    await pause(25);
  }
  const { port } = JSON.parse(readFileSync(ready, 'utf8')) as { port: number };
  const at = (database: string): string => `postgres://${USER}@127.0.0.1:${port}/${database}`;
  const name = `d${process.pid}_${++shared}`;
  const client = new pg.Client({ connectionString: at('postgres') });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return at(name);
}
let shared = 0;

/** Ends a run's cluster, if one was started. */
export async function endShared(folder: string): Promise<void> {
  const ready = join(folder, 'cluster.json');
  if (existsSync(ready)) {
    const { dataDir, folder: owned } = JSON.parse(readFileSync(ready, 'utf8')) as {
      dataDir: string;
      folder: string;
    };
    const pid = Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
    kill(pid, 'SIGQUIT');
    for (let tries = 0; existsSync(`/proc/${pid}`) && tries < 400; tries++) await pause(25);
    rmSync(owned, { recursive: true, force: true });
  }
  rmSync(folder, { recursive: true, force: true });
}
