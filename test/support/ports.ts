import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Ports for servers that tests start, stop and start again. Asking the system for a free one is not
 * enough: between two starts it gives the same port to any outgoing connection of any process, and
 * two test files may choose alike. So they come from below the range outgoing connections take
 * theirs from (32768 up on Linux, 49152 elsewhere), in lanes that a file with our process id
 * reserves for as long as this process lives.
 */
const FIRST = 20_000;
const LANES = 709;
const LANE = 18;
const FOLDER = join(tmpdir(), `pilotlight-ports-${process.getuid?.() ?? 'all'}`);
const held: string[] = [];

/** First of `length` (at most 18) ports in a row that nothing else uses while this process lives. */
export async function freePorts(length: number): Promise<number> {
  if (length > LANE) throw new Error(`at most ${LANE} ports in a row`);
  mkdirSync(FOLDER, { recursive: true });
  for (let tries = 0; tries < 400; tries++) {
    const lane = Math.floor(Math.random() * LANES);
    if (!reserve(join(FOLDER, String(lane)))) continue;
    const first = FIRST + lane * LANE;
    let all = true;
    for (let i = 0; i < length && all; i++) all = await free(first + i);
    if (all) return first;
  }
  throw new Error('no free ports');
}

function reserve(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    if (held.length === 0)
      process.once('exit', () => {
        for (const mine of held) rmSync(mine, { force: true });
      });
    held.push(file);
    return true;
  } catch {
    if (!holderLives(file)) rmSync(file, { force: true });
    return false;
  }
}

function holderLives(file: string): boolean {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    // Not yet written: its holder is at it.
    if (!Number.isInteger(pid) || pid <= 0) return true;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function free(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => {
      done(false);
    });
    server.listen(port, '127.0.0.1', () =>
      server.close(() => {
        done(true);
      }),
    );
  });
}
