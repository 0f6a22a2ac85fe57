import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { isOn } from './stick.ts';

/** A piece that is written at a time: what a pulled stick takes with it is noticed soon. */
const CHUNK = 256 * 1024;

/** How a file is opened and put in its place; tests let it fail. */
export interface WriteOps {
  readonly open: (path: string, flags: number) => Promise<FileHandle>;
  readonly rename: (from: string, to: string) => Promise<void>;
}
const SYSTEM: WriteOps = { open: (path, flags) => open(path, flags, 0o600), rename };

/** What the system says, as a person is told it. */
function why(cause: unknown): Failure {
  const code = (cause as { code?: unknown } | null)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    return failure('MNT-0204', code, cause);
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM')
    return failure('MNT-0203', code, cause);
  return failure('MNT-0205', cause instanceof Error ? cause.message : String(cause), cause);
}

/**
 * Writes one new file of ours into a folder: under another name first, synced, read back and
 * compared, and only then under its own; never over anything, and through no link. MNT-0203 the
 * folder takes no writing, MNT-0204 it is full, MNT-0205 it is gone or fails, MNT-0206 it holds
 * something else than was written. What was begun is taken away again where that can be done.
 *
 * @param device `major:minor` that the folder must be on: a pulled stick leaves its empty folder
 */
export async function writeNew(
  folder: string,
  name: string,
  bytes: Uint8Array,
  device: string | null,
  ops: WriteOps = SYSTEM,
): Promise<Result<void, Failure>> {
  const part = join(folder, `${name}.part`);
  const whole = join(folder, name);
  let begun = false;
  const { O_WRONLY, O_RDONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  try {
    if (!(await isOn(folder, device))) return err(failure('MNT-0205', 'the stick is gone'));
    const to = await ops.open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    begun = true;
    try {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await to.write(bytes, at, Math.min(CHUNK, bytes.length - at));
        at += bytesWritten;
      }
      await to.sync();
    } finally {
      await to.close();
    }
    const from = await ops.open(part, O_RDONLY | O_NOFOLLOW);
    try {
      const back = await from.readFile();
      if (!back.equals(bytes)) return err(failure('MNT-0206'));
    } finally {
      await from.close();
    }
    if (await isThere(whole)) return err(failure('MNT-0205', `${name} is there already`));
    await ops.rename(part, whole);
    const itself = await ops.open(folder, O_RDONLY);
    try {
      await itself.sync();
    } finally {
      await itself.close();
    }
    if (!(await isOn(folder, device))) {
      // It was pulled before it began: what was written lies in the empty folder, on our own disk.
      await unlink(whole).catch(() => undefined);
      return err(failure('MNT-0205', 'the stick is gone'));
    }
    return ok(undefined);
  } catch (cause) {
    return err(why(cause));
  } finally {
    // Renamed, or gone with its stick: there is nothing to take away then. Another's, begun in the
    // same second, is left alone.
    if (begun) await unlink(part).catch(() => undefined);
  }
}

/** Whatever it is: a link to nothing too. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ENOENT') return false;
    throw cause;
  }
}
