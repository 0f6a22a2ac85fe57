import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { LogAnchor } from './records.ts';
import { syncFolder } from './disk.ts';
import { LineCutter, anchorLine, freshPath, linkOf, writeWhole } from './second-log.ts';
import type { ShorterLog } from './second-log.ts';

/** Copied at a time. */
const CHUNK = 1 << 20;
/**
 * So much is put on the disk at a time: whoever syncs a file there, as the core does for each fact,
 * waits for all that was written before and is not there yet.
 */
const SYNC_EVERY = 16 << 20;

/**
 * Copies a log beside itself without the facts up to `anchor`, a stretch at a time, so that
 * whoever appends to it, and the screen of the same process, goes on. A log of years takes seconds.
 *
 * @param demand told how many bytes the copy takes, before any; its throw is the rejection
 */
export async function shorterLog(
  path: string,
  anchor: LogAnchor,
  demand: (bytes: number) => void,
): Promise<ShorterLog> {
  const fresh = freshPath(path);
  const from = await open(path, 'r');
  let to: FileHandle | null = null;
  try {
    const kept = await offsetBehind(from, anchor.seq);
    demand((await from.stat()).size - kept);
    const head = Buffer.from(anchorLine(anchor));
    to = await open(fresh, 'w', 0o600);
    await to.appendFile(head);
    let at = kept;
    for (let length = -1, synced = at; length !== 0; at += length) {
      const { buffer, bytesRead } = await from.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, at);
      length = bytesRead;
      await to.appendFile(buffer.subarray(0, bytesRead));
      if (length > 0 && at - synced < SYNC_EVERY) continue;
      await to.sync();
      synced = at;
    }
    const copied = { to: at, length: head.length + at - kept };
    return {
      finish: () => finish(path, fresh, copied),
      drop: () => rmSync(fresh, { force: true }),
    };
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  } finally {
    await from.close();
    await to?.close();
  }
}

/** Where the facts behind this number begin. */
async function offsetBehind(log: FileHandle, seq: number): Promise<number> {
  const cutter = new LineCutter();
  let behind = 0;
  for (let at = 0; ;) {
    const { buffer, bytesRead } = await log.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, at);
    if (bytesRead === 0) return behind;
    at += bytesRead;
    for (const { end, json } of cutter.push(buffer.subarray(0, bytesRead))) {
      const link = json === null ? null : linkOf(json);
      if (link !== null && !('anchor' in link) && link.seq > seq) return behind;
      behind = end;
    }
  }
}

function finish(
  path: string,
  fresh: string,
  copied: { readonly to: number; readonly length: number },
): number {
  // Never made here: one that somebody cleared away would have lost what was copied.
  const to = openSync(fresh, 'r+');
  const from = openSync(path, 'r');
  let length = 0;
  try {
    if (fstatSync(to).size !== copied.length) throw new Error(`${fresh} is not what was copied`);
    const chunk = Buffer.allocUnsafe(CHUNK);
    for (let at = copied.to, read = -1; read !== 0; at += read) {
      read = readSync(from, chunk, 0, CHUNK, at);
      writeWhole(to, chunk.subarray(0, read), copied.length + at - copied.to);
    }
    fsyncSync(to);
    length = fstatSync(to).size;
  } finally {
    closeSync(from);
    closeSync(to);
  }
  // Windows replaces no file that is open.
  renameSync(fresh, path);
  syncFolder(dirname(path));
  return length;
}
