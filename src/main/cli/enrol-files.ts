import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
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

/** Under these names keys wait until central has taken them. */
const PENDING = /^enrolling-[0-9a-f]{32}\.pem$/;

/**
 * Where the key of one code waits: another code's is another key. One that was brought under a code
 * that was not this machine's is a terminal's already, and would be refused for good.
 *
 * @param handle the code's (shared/enrolment.ts), which anybody may know
 */
export const pendingFile = (folder: string, handle: string): string =>
  join(folder, `enrolling-${handle}.pem`);

/**
 * The key that is being enrolled: made once for a code, and the same again after a cut, so that the
 * same code answers it.
 *
 * @param file as {@link pendingFile} has it
 * @param make a new private key, PEM (PKCS#8)
 */
export function pendingKey(file: string, make: () => string): string {
  const folder = dirname(file);
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const owner = ownerLike(dirname(folder));
    if (owner !== null) lchownSync(folder, owner.uid, owner.gid);
  }
  if (!existsSync(file)) writeWhole(file, make(), 0o600, folder);
  return readFileSync(file, 'utf8');
}

/** The key has its place; neither it nor one of a code of before waits any more. */
export function forgetPending(folder: string): void {
  for (const name of readdirSync(folder))
    if (PENDING.test(name)) rmSync(join(folder, name), { force: true });
}
