import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';

/** A user's own number and that of the first group; null: nobody is called so. */
function numbersOf(user: string): { readonly uid: number; readonly gid: number } | null {
  const [uid, gid] = ['-u', '-g'].map((what) => {
    const said = spawnSync('id', [what, '--', user], { encoding: 'utf8', timeout: 5_000 });
    return said.status === 0 ? Number(said.stdout) : Number.NaN;
  });
  return Number.isInteger(uid) && Number.isInteger(gid)
    ? { uid: uid as number, gid: gid as number }
    : null;
}

/** What Node has on systems with users; @types/node 24 lacks the last. */
type UserProcess = Pick<NodeJS.Process, 'getuid' | 'setuid' | 'setgid' | 'setgroups'> & {
  readonly initgroups?: (user: string, group: number) => void;
};

/**
 * Makes this process the user of that name, with the groups that the user has, for good: what may
 * be read and written is then what that user may.
 *
 * @returns why it is not; null: it is
 */
export function become(user: string): string | null {
  const { getuid, setuid, setgid, initgroups } = process as UserProcess;
  if (
    getuid === undefined ||
    setuid === undefined ||
    setgid === undefined ||
    initgroups === undefined
  )
    return '--as: this system has no such users';
  const numbers = numbersOf(user);
  if (numbers === null) return `--as ${user}: there is no such user`;
  if (getuid() === numbers.uid) return null;
  if (getuid() !== 0) return `--as ${user}: only root may become another user`;
  initgroups(user, numbers.gid);
  setgid(numbers.gid);
  setuid(numbers.uid);
  return null;
}

/**
 * Root makes this process the owner of a folder, for good: whatever is made there then is the
 * owner's from the beginning, also where it is cut. Anybody else, and a folder of root's: nothing.
 */
export function becomeOwner(folder: string): void {
  const { getuid, setuid, setgid, setgroups } = process as UserProcess;
  const owner = statSync(folder, { throwIfNoEntry: false });
  if (getuid?.() !== 0 || owner === undefined || owner.uid === 0) return;
  setgroups?.([owner.gid]);
  setgid?.(owner.gid);
  setuid?.(owner.uid);
}
