import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { localBell } from './bell.ts';
import type { Db, Script } from './sql.ts';

/** What is used of Emscripten's file system: one open file of the host has `nfd`. */
interface HostFiles {
  lookupPath(path: string): {
    node: { mount: { type: { stream_ops: { fsync?: (stream: { nfd: number }) => number } } } };
  };
}

/**
 * Embedded PostgreSQL. PGlite runs with fsync off, and its host file system has no fsync at all:
 * commits would survive a killed process, not a power cut. Here fsync is on and reaches the disk,
 * and that is proven by a first write before the database is given out. Without `dataDir`
 * everything is in memory (tests).
 */
export async function openPglite(dataDir: string | null): Promise<Db> {
  if (dataDir === null) return wrap(await PGlite.create(), () => undefined);
  mkdirSync(dataDir, { recursive: true });
  const unlock = lock(join(dataDir, 'central.lock'));
  try {
    const startParams = [
      ...PGlite.defaultStartParams.filter((p) => p !== '-F'),
      '-c',
      'fsync=on',
      '-c',
      'wal_sync_method=fsync',
      '-c',
      'synchronous_commit=on',
    ];
    const pg = await PGlite.create({
      dataDir: join(dataDir, 'pg'),
      relaxedDurability: false,
      startParams,
    });
    let syncs = 0;
    const files = (pg.Module as unknown as { FS: HostFiles }).FS.lookupPath('/pglite/data').node
      .mount.type;
    files.stream_ops.fsync = ({ nfd }) => {
      syncs++;
      fsyncSync(nfd);
      return 0;
    };
    await pg.exec(
      'CREATE TABLE IF NOT EXISTS durability (starts bigint NOT NULL); INSERT INTO durability VALUES (1); DELETE FROM durability;',
    );
    if (syncs === 0) {
      await pg.close();
      throw new Error('the embedded database does not reach the disk with fsync');
    }
    return wrap(pg, unlock);
  } catch (cause) {
    unlock();
    throw cause;
  }
}

/**
 * Locks that this process holds itself; a file with our own number that is not here is from an
 * earlier life.
 */
const held = new Set<string>();

/**
 * One process for one data folder: two embedded servers would destroy it. A lock whose process is
 * gone is taken over.
 */
function lock(file: string): () => void {
  for (let tries = 0; tries < 2; tries++) {
    try {
      const fd = openSync(file, 'wx');
      writeSync(fd, `${process.pid} ${startOf(process.pid)}`);
      closeSync(fd);
      held.add(file);
      return () => {
        held.delete(file);
        rmSync(file, { force: true });
      };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      const [pid = '', start = ''] = readFileSync(file, 'utf8').split(' ');
      if (held.has(file) || (Number(pid) !== process.pid && alive(Number(pid), start)))
        throw new Error(`central's data folder is in use by process ${pid}`, { cause });
      rmSync(file, { force: true });
    }
  }
  throw new Error('central’s data folder cannot be locked');
}

/**
 * When a process began (proc(5), field 22 of stat), so that a reused number is not taken for the
 * old process; empty where there is no /proc.
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function alive(pid: number, start: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = startOf(pid);
  return start === '' || now === '' || now === start;
}

function wrap(pg: PGlite, after: () => void): Db {
  const over = (on: Pick<PGlite, 'query' | 'exec'>): Script => ({
    query: async <R>(sql: string, params: readonly unknown[] = []) =>
      (await on.query<R>(sql, [...params])).rows,
    exec: async (sql) => void (await on.exec(sql)),
  });
  return {
    ...over(pg),
    transaction: <T>(run: (tx: Script) => Promise<T>) =>
      pg.transaction((tx) => run(over(tx as unknown as Pick<PGlite, 'query' | 'exec'>))),
    // One process has the data folder.
    alone: (_key, work) => work(),
    // It has no standby; a folder that was copied back is not noticed.
    life: () => Promise.resolve('embedded'),
    ...localBell(),
    close: async () => {
      await pg.close();
      after();
    },
  };
}
