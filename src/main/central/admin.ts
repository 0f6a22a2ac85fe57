import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * The embedded database belongs to one process. While central serves from it, commands are carried
 * out in that process: they come over a socket in the data folder, which only its owner may open,
 * as lines of JSON. Files are read and written by whoever typed the command, not by the service.
 */

/** One command, as it was typed. */
export interface AdminAsk {
  readonly args: readonly string[];
  readonly who: string;
}
/** What the service's side of a command may do meanwhile. */
export interface AdminTalk {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  readonly readFile: (path: string) => Promise<Uint8Array>;
  readonly writeFile: (path: string, text: string) => Promise<void>;
}

/** To the service: the command, then its answers to what it is asked for. */
type Up = { readonly ask: AdminAsk } | FileAnswer;
/** A file's bytes; null: there are none, and why. */
interface FileAnswer {
  readonly file: number;
  readonly base64: string | null;
  readonly why: string;
}
/** From the service. */
type Down =
  | { readonly out: string }
  | { readonly err: string }
  | { readonly read: string; readonly file: number }
  | { readonly write: string; readonly text: string; readonly file: number }
  | { readonly exit: number };

/** Longer lines than a table of a hundred thousand accounts needs are nobody's. */
const MAX_LINE = 64 << 20;
/** So much of a file fits into a line, in base64 (RFC 4648: four characters for three bytes). */
const MAX_FILE = (MAX_LINE / 4) * 3 - 1_024;

/** Where the socket of a data folder is. */
export const adminSocket = (dataDir: string): string => join(dataDir, 'admin.sock');

/** Carries out what comes over the socket, one command at a time for each connection. */
export async function serveAdmin(
  path: string,
  carryOut: (ask: AdminAsk, talk: AdminTalk) => Promise<number>,
): Promise<{ readonly close: () => Promise<void> }> {
  mkdirSync(dirname(path), { recursive: true });
  // Of an earlier life: whoever holds the database's lock is alone here.
  rmSync(path, { force: true });
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => socket.destroy());
    talkTo(socket, carryOut);
  });
  await listening(server, path);
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of open) socket.destroy();
      }),
  };
}

const listening = (server: Server, path: string): Promise<void> =>
  new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(path, () => done());
  });

function talkTo(
  socket: Socket,
  carryOut: (ask: AdminAsk, talk: AdminTalk) => Promise<number>,
): void {
  const say = (line: Down): void => void socket.write(`${JSON.stringify(line)}\n`);
  const waiting = new Map<number, (answer: Pick<FileAnswer, 'base64' | 'why'>) => void>();
  const gone = { base64: null, why: 'whoever typed the command is gone' };
  let isGone = false;
  // A command that waits for a file ends with the line, and whatever it holds is let go.
  socket.once('close', () => {
    isGone = true;
    for (const answer of waiting.values()) answer(gone);
    waiting.clear();
  });
  let next = 0;
  const asked = (make: (file: number) => Down): Promise<Uint8Array> =>
    new Promise((done, failed) => {
      const file = next++;
      const answer = ({ base64, why }: Pick<FileAnswer, 'base64' | 'why'>): void => {
        if (base64 === null) failed(new Error(why));
        else done(Buffer.from(base64, 'base64'));
      };
      if (isGone) return answer(gone);
      waiting.set(file, answer);
      say(make(file));
    });
  const talk: AdminTalk = {
    out: (out) => say({ out }),
    err: (text) => say({ err: text }),
    readFile: (read) => asked((file) => ({ read, file })),
    writeFile: async (write, text) => void (await asked((file) => ({ write, text, file }))),
  };
  let begun = false;
  linesOf(socket, (line: Up) => {
    if ('file' in line) {
      waiting.get(line.file)?.(line);
      waiting.delete(line.file);
    } else if (!begun) {
      begun = true;
      void carryOut(line.ask, talk)
        .catch((cause: unknown) => {
          talk.err(cause instanceof Error ? cause.message : String(cause));
          return 1;
        })
        .then((exit) => {
          say({ exit });
          socket.end();
        });
    }
  });
}

function linesOf<T>(socket: Socket, hear: (line: T) => void): void {
  const lines = createInterface({ input: socket, crlfDelay: Infinity });
  // It repeats the socket's errors, which have their own ear.
  lines.on('error', () => undefined);
  lines.on('line', (line) => {
    if (line.length > MAX_LINE) {
      socket.destroy();
      return;
    }
    try {
      hear(JSON.parse(line) as T);
    } catch {
      socket.destroy();
    }
  });
}

/**
 * Does a command's line name this file? Whoever types it may be the machine's administrator, and
 * the service is not: it is given nothing, and has nothing written, that he did not name.
 */
const isNamed = ({ args }: AdminAsk, path: string): boolean =>
  args.some(
    (arg) => arg === path || (arg.startsWith('--') && arg.slice(arg.indexOf('=') + 1) === path),
  );

const tooLarge = (bytes: number): string =>
  `${bytes} bytes are more than central takes while it serves (${MAX_FILE}): stop it first, or cut the file in two`;

/** No socket, or one that a killed service left: everything else may be a service that listens. */
const NOBODY: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ECONNREFUSED']);

/**
 * Has a command carried out by the service that listens there. It reads and writes only files that
 * the command's line names.
 *
 * @returns its exit code; null: nobody listens
 */
export function askAdmin(path: string, ask: AdminAsk, talk: AdminTalk): Promise<number | null> {
  return new Promise((done) => {
    const socket = connect(path);
    let exit: number | null = null;
    let connected = false;
    const say = (line: Up): void => void socket.write(`${JSON.stringify(line)}\n`);
    socket.on('connect', () => {
      connected = true;
      say({ ask });
    });
    let failed: NodeJS.ErrnoException | null = null;
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      failed = cause;
      socket.destroy();
    });
    socket.on('close', () => {
      if (exit === null && connected) {
        talk.err(
          `central ended before the command did: look whether it was done${failed === null ? '' : ` (${failed.message})`}`,
        );
        exit = 1;
      } else if (exit === null && failed !== null && !NOBODY.has(failed.code)) {
        talk.err(`${path}: central may be serving, and cannot be asked (${failed.message})`);
        exit = 1;
      }
      done(exit);
    });
    const answer = (
      { file, path: named }: { readonly file: number; readonly path: string },
      work: () => Promise<Uint8Array | undefined>,
    ): void => {
      const told = isNamed(ask, named)
        ? work()
        : Promise.reject<undefined>(new Error(`${named}: the command does not name it`));
      void told.then(
        (bytes = new Uint8Array(0)) =>
          bytes.length > MAX_FILE
            ? say({ file, base64: null, why: tooLarge(bytes.length) })
            : say({ file, base64: Buffer.from(bytes).toString('base64'), why: '' }),
        (cause: unknown) =>
          say({ file, base64: null, why: cause instanceof Error ? cause.message : String(cause) }),
      );
    };
    linesOf(socket, (line: Down) => {
      if ('out' in line) talk.out(line.out);
      else if ('err' in line) talk.err(line.err);
      else if ('read' in line)
        answer({ file: line.file, path: line.read }, () => talk.readFile(line.read));
      else if ('write' in line)
        answer({ file: line.file, path: line.write }, () =>
          talk.writeFile(line.write, line.text).then(() => undefined),
        );
      else exit = line.exit;
    });
  });
}
