import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/**
 * Who the tests become where they must not be root: a number, so that no user is made. Debian calls
 * it nobody.
 */
const NOBODY = 65_534;

/** A user without rights and a folder of its own. A test process that is not root stays who it is. */
export class Unprivileged {
  /** Null: the test process itself has no rights to give up. */
  readonly uid: number | null = process.getuid?.() === 0 ? NOBODY : null;
  /** Everything of this user's is in here: home, run-time folder, temporary files, staged programs. */
  readonly folder: string;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'pilotlight-user-'));
    chmodSync(this.folder, 0o755);
    for (const name of ['home', 'run', 'tmp']) {
      mkdirSync(join(this.folder, name), { mode: 0o700 });
      this.give(join(this.folder, name));
    }
  }

  /** Its environment: nothing of the caller's but the path and what is added. */
  env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      HOME: join(this.folder, 'home'),
      XDG_RUNTIME_DIR: join(this.folder, 'run'),
      TMPDIR: join(this.folder, 'tmp'),
      ...more,
    };
  }

  /** Makes it the owner of a file or a whole folder. */
  give(path: string): void {
    if (this.uid === null) return;
    chownSync(path, this.uid, this.uid);
    if (lstatSync(path).isDirectory())
      for (const name of readdirSync(path)) this.give(join(path, name));
  }

  /**
   * A program that the user may run: where it stands, or a link or copy where its folders are
   * closed to others (a clone under /root).
   */
  program(folder: string, name: string): string {
    if (this.uid === null || reachable(folder)) return join(folder, name);
    return join(this.stage(folder, `staged-${folder.replaceAll(/[^\w]+/g, '-')}`), name);
  }

  /**
   * Puts a file or folder into the user's own folder, readable: linked where that is possible, else
   * copied.
   */
  stage(from: string, to: string): string {
    const target = join(this.folder, to);
    mkdirSync(dirname(target), { recursive: true });
    if (statSync(from).isDirectory()) {
      mkdirSync(target, { recursive: true });
      for (const name of readdirSync(from)) this.stage(join(from, name), join(to, name));
      return target;
    }
    try {
      // A link shares its mode with the original, which stays as it is.
      if ((statSync(from).mode & 0o004) !== 0) {
        linkSync(resolve(from), target);
        return target;
      }
    } catch {
      // Another file system.
    }
    if (lstatSync(from).isSymbolicLink()) cpSync(from, target, { dereference: true });
    else copyFileSync(from, target);
    chmodSync(target, 0o644 | (statSync(from).mode & 0o111 ? 0o111 : 0));
    return target;
  }

  /** An executable that becomes the user and then `program`: for launchers that know no uid. */
  wrapper(program: string): string {
    const file = join(this.folder, 'as-user.sh');
    const drop =
      this.uid === null
        ? ''
        : `setpriv --reuid ${this.uid} --regid ${this.uid} --clear-groups --bounding-set -all `;
    writeFileSync(file, `#!/bin/sh\nexec ${drop}'${program.replaceAll("'", "'\\''")}' "$@"\n`, {
      mode: 0o755,
    });
    return file;
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Others may read it: the folder and every one above it. */
function reachable(folder: string): boolean {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const { mode } = statSync(at);
    if ((mode & 0o001) === 0 || (at === resolve(folder) && (mode & 0o004) === 0)) return false;
    if (at === dirname(at)) return true;
  }
}
