import pg from 'pg';
import { sleep } from '../../shared/ports.ts';
import type { Clock, Random } from '../../shared/ports.ts';
import { localBell } from './bell.ts';
import type { Bell } from './bell.ts';
import { DbError, num, sqlState } from './sql.ts';
import type { Db, Script } from './sql.ts';

/** How a PostgreSQL server is reached, and how long it is waited for. */
export interface PostgresOptions {
  /**
   * `postgres://user@host:port/database?…` with libpq's parameters. A server that is not on this
   * machine is spoken to under TLS only, its certificate verified (`sslmode=verify-full`,
   * `sslrootcert=FILE`).
   */
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Transactions at a time; one connection more is held for {@link Db.alone}. */
  readonly connections?: number;
  /** How long a connection is waited for, ms: a free one, or one that is made. */
  readonly connectMs?: number;
  /** A statement that takes longer is ended by the server, ms. */
  readonly statementMs?: number;
  /** A lock that somebody holds for longer is not waited for, ms. */
  readonly lockMs?: number;
  /** How long another process is waited for by {@link Db.alone}, ms. */
  readonly aloneMs?: number;
  /**
   * For tests only: a server that does not write to its disk before it says so. Such a server loses
   * what it has acknowledged at a power cut, and is refused otherwise.
   */
  readonly mayForget?: boolean;
  /** Told what happens beside any caller: a connection lost while idle, a transaction begun again. */
  readonly log?: (message: string) => void;
}

const DEFAULTS = {
  connections: 8,
  connectMs: 5_000,
  statementMs: 30_000,
  lockMs: 10_000,
  aloneMs: 30_000,
};

/** SQLSTATE of a transaction that may be begun again as it was (PostgreSQL, appendix A). */
const AGAIN: ReadonlySet<string> = new Set(['40001', '40P01']);
const TRIES = 6;
/** By which the server finds out within half a minute that nobody is at the other end of a line. */
const KEEPALIVES =
  'SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3';
/** How long between two looks whether another process has let go of a key, ms. */
const LOOK_MS = 25;
/** The channel of {@link Db.ring}. What comes over it is believed by nobody: it makes them look. */
const CHANNEL = 'pilotlight';

/**
 * Central's database on a PostgreSQL server, 13 or newer, through a pool of connections.
 *
 * @throws DbError `away` where it cannot be reached, Error where it is not fit for this
 */
export async function openPostgres(options: PostgresOptions): Promise<Db> {
  const { connections, connectMs, statementMs, lockMs, aloneMs } = { ...DEFAULTS, ...options };
  const { clock, random } = options;
  refuseBareLine(options.url);
  const log = options.log ?? (() => undefined);
  const config: pg.ClientConfig = {
    connectionString: options.url,
    application_name: 'pilotlight central',
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    // Nothing answers on a line that is cut without a word: the server's own limit is not heard.
    query_timeout: statementMs + connectMs,
    lock_timeout: lockMs,
    idle_in_transaction_session_timeout: 2 * statementMs,
    keepAlive: true,
    types: {
      getTypeParser: (oid, format) =>
        oid === pg.types.builtins.INT8 ? num : (pg.types.getTypeParser(oid, format) as never),
    },
  };
  const pool = new pg.Pool({ ...config, max: connections });
  pool.on('error', (cause) => log(`a connection was lost while idle: ${cause.message}`));
  // A server that dies says so, and then the line ends: two errors, of which the pool hears one. The
  // other one would end this process.
  pool.on('connect', (client) => void client.on('error', () => undefined));
  try {
    await refuseUnfit(over(pool), options.mayForget === true);
  } catch (cause) {
    await pool.end();
    throw cause;
  }

  async function once<T>(run: (tx: Script) => Promise<T>): Promise<T> {
    const client = await pool.connect().catch(rethrown);
    let lost: Error | undefined;
    const onLost = (cause: Error): void => void (lost = cause);
    client.on('error', onLost);
    try {
      await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
      const result = await run(over(client));
      // A transaction in which a statement failed answers a COMMIT with a ROLLBACK, and no error.
      const { command } = await client.query('COMMIT');
      if (command !== 'COMMIT') throw new Error('a failed transaction cannot be committed');
      return result;
    } catch (cause) {
      await client.query('ROLLBACK').catch(onLost);
      throw classified(cause);
    } finally {
      client.off('error', onLost);
      client.release(lost ?? false);
    }
  }

  const bell = localBell();
  const self = Buffer.from(random.bytes(8)).toString('hex');
  const turns = turnstile(config, { aloneMs, clock }, log, hearing(bell, self));
  return {
    ...over(pool),
    transaction: async (run) => {
      for (let tries = 1; ; tries++) {
        try {
          return await once(run);
        } catch (cause) {
          if (tries === TRIES || !AGAIN.has(sqlState(cause))) throw cause;
          log(`a transaction is begun again: ${(cause as Error).message}`);
          // Not in step with whoever it met.
          await sleep(clock, ((random.bytes(1)[0] ?? 0) / 25) * 2 ** tries);
        }
      }
    },
    alone: turns.alone,
    onRing: bell.onRing,
    ring: (name) => {
      bell.ring(name);
      // Whom it does not reach looks by itself.
      void over(pool)
        .query('SELECT pg_notify($1, $2)', [CHANNEL, `${self} ${name}`])
        .catch((cause: unknown) => log(`nobody was woken: ${String(cause)}`));
    },
    // The cluster, and its timeline: a promoted standby and a restored backup begin another one. And
    // the very table: a dump that is put back on the same server makes it anew.
    life: async () => {
      const [row] = await over(pool).query<{ life: string }>(
        `SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
           || '/' || COALESCE(to_regclass('database_lives')::oid::text, '') AS life
         FROM pg_control_system()`,
      );
      return row?.life ?? '';
    },
    close: async () => {
      await turns.close();
      await pool.end();
    },
  };
}

/** Only who reads the very line to the server could be closer to the books than central itself. */
function refuseBareLine(url: string): void {
  let host: string;
  let params: URLSearchParams;
  try {
    const parsed = new URL(url);
    ({ searchParams: params } = parsed);
    host = params.get('host') ?? decodeURIComponent(parsed.hostname).replace(/^\[(.*)\]$/, '$1');
  } catch {
    throw new Error('the database’s address is no postgres:// URL');
  }
  const near = host === '' || host.startsWith('/') || /^(localhost|127\.[\d.]+|::1)$/.test(host);
  if (!near && params.get('sslmode') !== 'verify-full')
    throw new Error(
      `the database on ${host} is reached over a network: sslmode=verify-full is needed, and sslrootcert where its certificate is the company’s own`,
    );
}

/** What central builds on: text as it is, and what was committed is on the disk. */
async function refuseUnfit(sql: Script, mayForget: boolean): Promise<void> {
  const settings = await sql.query<{ name: string; value: string }>(
    `SELECT name, current_setting(name) AS value FROM (VALUES ('server_version_num'),
       ('server_encoding'), ('fsync'), ('full_page_writes'), ('synchronous_commit'),
       ('transaction_read_only')) AS wanted (name)`,
  );
  const value = new Map(settings.map((s) => [s.name, s.value]));
  const refuse = (why: string): never => {
    throw new Error(`this PostgreSQL is not fit for central: ${why}`);
  };
  if (Number(value.get('server_version_num')) < 130_000) refuse('older than 13');
  if (value.get('server_encoding') !== 'UTF8') refuse('its encoding is not UTF8');
  if (value.get('transaction_read_only') !== 'off') refuse('it is read-only: a standby?');
  if (mayForget) return;
  for (const name of ['fsync', 'full_page_writes', 'synchronous_commit'])
    if (value.get(name) === 'off') refuse(`${name} is off: it would forget at a power cut`);
}

/** A pool or one of its connections. */
type Queryable = Pick<pg.ClientBase, 'query'>;

function over(on: Queryable): Script {
  return {
    query: async <R>(sql: string, params: readonly unknown[] = []) => {
      const { rows } = await on.query<R & pg.QueryResultRow>(sql, [...params]).catch(rethrown);
      return rows;
    },
    exec: async (sql) => void (await on.query(sql).catch(rethrown)),
  };
}

const rethrown = (cause: unknown): never => {
  throw classified(cause);
};

/**
 * SQLSTATE classes in which no statement is at fault (PostgreSQL, appendix A): 08 the connection,
 * 25006 a server that only reads (a standby), 25P03 a transaction that stood still for too long,
 * 57P0x the server's own end · 53 resources (a full disk), 55P03 a lock, 57014 a time-out, 58 the
 * system under it.
 */
const AWAY = /^(08|25006|25P03|57P0)/;
const BUSY = /^(53|55P03|57014|58)/;

/** A failure that is nobody's statement as a {@link DbError}; anything else as it is. */
function classified(cause: unknown): unknown {
  if (cause instanceof DbError || !(cause instanceof Error)) return cause;
  const state = sqlState(cause);
  if (AWAY.test(state)) return new DbError('away', cause.message, cause);
  if (BUSY.test(state)) return new DbError('busy', cause.message, cause);
  if (state !== '') return cause;
  if (/^(Query read timeout|timeout exceeded when trying to connect)/.test(cause.message))
    return new DbError('busy', cause.message, cause);
  const errno = (cause as NodeJS.ErrnoException).code;
  return errno !== undefined || /connection|queryable/i.test(cause.message)
    ? new DbError('away', cause.message, cause)
    : cause;
}

/** What other processes ring is rung here; this one's own was, and comes back over the channel. */
function hearing(bell: Bell, self: string): (payload: string) => void {
  return (payload) => {
    const [sender = '', ...name] = payload.split(' ');
    if (sender !== self) bell.ring(name.join(' '));
  };
}

/**
 * {@link Db.alone}: advisory locks of one connection, which hears the bell besides. They are gone
 * when the process is, or the connection; so nobody waits for the dead, and no clock decides.
 */
function turnstile(
  config: pg.ClientConfig,
  { aloneMs, clock }: { readonly aloneMs: number; readonly clock: Clock },
  log: (message: string) => void,
  hear: (payload: string) => void,
): Pick<Db, 'alone' | 'close'> {
  let connected: { readonly client: pg.Client; readonly ready: Promise<pg.Client> } | null = null;
  /** Only this one: another may have taken its place before it had ended. */
  const forget = (client: pg.Client): void => {
    if (connected?.client === client) connected = null;
  };
  /** What it was asked may have been done: its turns are gone with it. */
  const drop = (client: pg.Client): void => {
    forget(client);
    void client.end().catch(() => undefined);
  };
  function client(): Promise<pg.Client> {
    if (connected !== null) return connected.ready;
    const next = new pg.Client({ ...config, application_name: 'pilotlight central turns' });
    next.on('error', (cause) => {
      log(`the connection that keeps turns was lost: ${cause.message}`);
      forget(next);
    });
    next.on('end', () => forget(next));
    next.on('notification', ({ payload }) => hear(payload ?? ''));
    const ready = next.connect().then(
      () => {
        // A machine that is gone ends no connection: its turns would be its own for two hours.
        void next
          .query(`${KEEPALIVES}; LISTEN ${CHANNEL}`)
          .catch((cause: unknown) => log(`turns without keep-alives: ${String(cause)}`));
        return next;
      },
      (cause: unknown) => {
        forget(next);
        throw classified(cause);
      },
    );
    connected = { client: next, ready };
    return ready;
  }
  const ask = async (on: pg.Client, verb: string, key: string): Promise<boolean> => {
    const { rows } = await on
      .query<{ done: boolean }>(`SELECT ${verb}(hashtextextended($1, 0)) AS done`, [key])
      .catch((cause: unknown) => {
        drop(on);
        return rethrown(cause);
      });
    return rows[0]?.done === true;
  };
  /** The connection that holds the key. */
  async function take(key: string): Promise<pg.Client> {
    const until = clock.monoMs() + aloneMs;
    for (;;) {
      const holder = await client();
      if (await ask(holder, 'pg_try_advisory_lock', key)) return holder;
      if (clock.monoMs() >= until)
        throw new DbError('busy', 'another process is at this for too long');
      await sleep(clock, LOOK_MS);
    }
  }
  return {
    alone: async (key, work) => {
      const holder = await take(key);
      try {
        return await work();
      } finally {
        // One that is lost has let go already.
        await ask(holder, 'pg_advisory_unlock', key).catch(() => false);
      }
    },
    close: async () => {
      const open = connected;
      connected = null;
      await (await open?.ready.catch(() => undefined))?.end();
    },
  };
}
