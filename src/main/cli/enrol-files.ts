import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** As root: whom it is made for. Null: for whoever makes it. */
function ownerLike(like: string): { readonly uid: number; readonly gid: number } | null {
  return process.getuid?.() === 0 ? statSync(like) : null;
}

/**
 * On disk, whole, under its name or not at all; what was there is there until then. The folder may
 * be another user's than root's who types this: no link that lies in it is followed.
 */
export function writeWhole(file: string, text: string, mode: number, like: string): void {
  const beside = `${file}.new`;
  // Of a cut before, or a link to somewhere else.
  rmSync(beside, { force: true });
  const fd = openSync(beside, 'wx', mode);
  try {
    writeSync(fd, text);
    fchmodSync(fd, mode);
    const owner = ownerLike(like);
    if (owner !== null) fchownSync(fd, owner.uid, owner.gid);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
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
    const owner = ownerLike(dirname(folder));
    if (owner !== null) lchownSync(folder, owner.uid, owner.gid);
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
