import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** As root: what is made beside others belongs to whom they belong to. */
function giveTo(file: string, like: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(like);
  chownSync(file, uid, gid);
}

/** On disk, whole, under its name or not at all; what was there is there until then. */
export function writeWhole(file: string, text: string, mode: number, like: string): void {
  const beside = `${file}.new`;
  writeFileSync(beside, text, { mode });
  chmodSync(beside, mode);
  giveTo(beside, like);
  sync(beside);
  renameSync(beside, file);
  if (process.platform !== 'win32') sync(dirname(file));
}

function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The name under which a key waits until central has taken it. */
const PENDING = 'enrolling.pem';

/**
 * The key that is being enrolled: made once, and the same again after a cut, so that the same code
 * answers it.
 *
 * @param make a new private key, PEM (PKCS#8)
 */
export function pendingKey(folder: string, make: () => string): string {
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    giveTo(folder, dirname(folder));
  }
  const file = join(folder, PENDING);
  if (!existsSync(file)) writeWhole(file, make(), 0o600, folder);
  return readFileSync(file, 'utf8');
}

/** The key has its place, and waits no more. */
export function forgetPending(folder: string): void {
  const file = join(folder, PENDING);
  if (existsSync(file)) unlinkSync(file);
}
