import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { MAX_OWN_CLIPS } from '../../../src/shared/spoken-text.ts';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../src/shared/contract/index.ts';
import { saidClip } from '../../../src/main/shell/static-files.ts';
import { createSupervisor } from '../../../src/main/shell/supervisor.ts';
import type { CoreSupervisor, SupervisorTimings } from '../../../src/main/shell/supervisor.ts';

const FAKE = path.resolve('test/support/fake-core.mjs');
let dir: string;
let seen: Snapshot[];
let lines: string[];
let one: CoreSupervisor | null = null;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'supervisor-'));
  seen = [];
  lines = [];
});
afterEach(async () => {
  await one?.stop();
  one = null;
  rmSync(dir, { recursive: true, force: true });
});

function supervise(
  mode: string,
  timings: Partial<SupervisorTimings> = {},
  nodePath = process.execPath,
): CoreSupervisor {
  one = createSupervisor({
    core: {
      nodePath,
      args: [FAKE, mode, path.join(dir, 'log')],
    },
    log: (line) => lines.push(line),
    timings: {
      backOffFirstMs: 20,
      backOffLastMs: 80,
      steadyMs: 60_000,
      silenceMs: 5_000,
      stopAskMs: 1_000,
      stopTermMs: 300,
      ...timings,
    },
  });
  one.subscribe((snapshot) => seen.push(snapshot));
  one.start();
  return one;
}
async function until(what: () => boolean, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!what()) {
    if (Date.now() > end) throw new Error(`not reached in ${ms} ms; log: ${lines.join(' | ')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const heard = (): string => readFileSync(path.join(dir, 'log'), 'utf8');

describe('core supervisor', () => {
  it('says hello, relays snapshots and passes intents on', async () => {
    const s = supervise('ok');
    expect(s.current()).toMatchObject({ screen: 'out-of-service', reason: 'CORE-0101' });
    await until(() => s.current().screen === 'start');
    expect(heard()).toContain('{"type":"hello"}');
    expect(
      s.send({ type: 'set-locale', value: 'en', screen: 'start', revision: s.current().revision }),
    ).toBe(true);
    await until(() => s.current().locale === 'en');
  });

  it('keeps the clips that a core makes, by their names and no others', async () => {
    const s = supervise('clips');
    await until(() => s.clip('0000000000000000') !== null);
    expect(s.clip('0123456789abcdef')?.toString()).toBe('RIFF one');
    expect(s.clip('../../etc/passwd')).toBeNull();
    expect(s.clip('fedcba9876543210')).toBeNull();
    expect(lines.join()).toContain('breaks the contract');
    // Of persons' own the newest, and no policy's has gone for them.
    const own = Array.from({ length: 40 }, (_, n) => s.clip(String(n).padStart(16, 'e')));
    expect(own.map((clip) => clip !== null)).toEqual(
      own.map((_, n) => n >= own.length - MAX_OWN_CLIPS),
    );
    const served = (pathname: string) => saidClip(pathname, (id) => s.clip(id));
    expect(served('/said/0123456789abcdef.wav')).toMatchObject({ type: 'audio/wav' });
    expect(served('/said/fedcba9876543210.wav')?.body).toHaveLength(0);
    for (const other of ['/said/0123456789ABCDEF.wav', '/said/../index.html', '/said/1.wav', '/'])
      expect(served(other)).toBeUndefined();
  });

  it('shows out of service with a rising revision while a crashed core restarts', async () => {
    const s = supervise('ok');
    await until(() => s.current().screen === 'start');
    const before = s.current();
    s.send({ type: 'exit', screen: 'start', revision: before.revision });
    await until(() => s.starts() === 2 && s.current().screen === 'start');
    const down = seen.find((snapshot) => snapshot.screen === 'out-of-service');
    expect(down).toMatchObject({
      reason: 'CORE-0101',
      revision: expect.any(Number),
      header: before.header,
      demo: true,
      // Nobody was there: nobody has left anything.
      held: [],
      sinceMs: expect.any(Number),
    });
    const revisions = seen.map((snapshot) => snapshot.revision);
    expect(revisions).toEqual([...revisions].toSorted((a, b) => a - b));
    expect(new Set(revisions).size).toBe(revisions.length);
  });

  it('backs off, doubling to the limit', async () => {
    const s = supervise('crash');
    await until(() => s.starts() >= 5);
    const waits = lines.flatMap((line) => /again in (\d+) ms/.exec(line)?.[1] ?? []).map(Number);
    expect(waits.slice(0, 4)).toEqual([20, 40, 80, 80]);
    await until(() => s.state() === 'waiting');
    expect(s.send({ type: 'exit', screen: 'start', revision: 1 })).toBe(false);
  });

  it('starts again from the first wait after a steady life', async () => {
    const s = supervise('crash', { steadyMs: 0 });
    await until(() => s.starts() >= 4);
    expect(lines.flatMap((line) => /again in (\d+) ms/.exec(line)?.[1] ?? []).slice(0, 3)).toEqual([
      '20',
      '20',
      '20',
    ]);
  });

  it('kills a core that goes silent', async () => {
    const s = supervise('hang', { silenceMs: 600 });
    await until(() => s.starts() === 2);
    expect(lines.join('\n')).toMatch(/silent for 600 ms[\s\S]*SIGKILL/);
  });

  it('waits for the first word of a core that reads a long journal, and no longer after it', async () => {
    const s = supervise('late', { silenceMs: 600 });
    expect(s.current()).toMatchObject({ screen: 'out-of-service', reason: 'CORE-0101' });
    await until(() => s.current().screen === 'start');
    expect(s.starts()).toBe(1);
    await until(() => s.starts() === 2);
    expect(lines.join('\n')).toMatch(/silent for 600 ms[\s\S]*SIGKILL/);
  });

  it('kills a core that never says a word, at last', async () => {
    const s = supervise('mute', { silenceMs: 60_000, startMs: 600 });
    await until(() => s.starts() === 2);
    expect(lines.join('\n')).toMatch(/silent for 600 ms since its start[\s\S]*SIGKILL/);
    expect(s.current()).toMatchObject({ screen: 'out-of-service', reason: 'CORE-0101' });
  });

  it('stops for good at exit code 78 and names the configuration', async () => {
    const s = supervise('bad-config');
    await until(() => s.state() === 'refused');
    expect(s.current()).toMatchObject({ screen: 'out-of-service', reason: 'CONF-0101' });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(s.starts()).toBe(1);
  });

  it('drops messages that break the contract', async () => {
    const s = supervise('garbage');
    await until(() => s.current().screen === 'start');
    expect(lines.join('\n')).toMatch(/breaks the contract/);
    expect(seen.every((snapshot) => snapshot.screen === 'start')).toBe(true);
  });

  it('keeps trying when the binary is not there', async () => {
    const s = supervise('ok', {}, path.join(dir, 'no-such-node'));
    await until(() => lines.filter((line) => line.includes('ENOENT')).length >= 2);
    expect(s.current()).toMatchObject({ reason: 'CORE-0101' });
  });

  it('stops by asking', async () => {
    const s = supervise('ok');
    await until(() => s.current().screen === 'start');
    await s.stop();
    expect(s.state()).toBe('stopped');
    expect(heard()).toContain('{"type":"shutdown"}');
    expect(s.pid()).toBeUndefined();
  });

  it('stops a deaf core by force, also when asked twice', async () => {
    const s = supervise('deaf', { stopAskMs: 50, stopTermMs: 100 });
    await until(() => s.current().screen === 'start');
    const pid = s.pid() ?? 0;
    await Promise.all([s.stop(), s.stop()]);
    expect(heard()).toContain('sigterm');
    expect(() => process.kill(pid, 0)).toThrow();
  });

  it('does not start again after stop during back-off', async () => {
    const s = supervise('crash', { backOffFirstMs: 150 });
    await until(() => s.state() === 'waiting');
    await s.stop();
    const starts = s.starts();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(s.starts()).toBe(starts);
  });
});
