import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DIRECT, hallKeys, hallPorts, writeTerminalJson } from '../../../src/demo/setup.ts';
import { Journal } from '../../../src/journal/journal.ts';
import { loadConfig } from '../../../src/main/config.ts';
import { backupApart } from '../../../src/main/core/backup.ts';
import { composeCore } from '../../../src/main/core/compose.ts';
import { systemClock, systemRandom } from '../../../src/main/ports.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { ManualClock } from '../../support/clock.ts';
import { T0 } from '../../support/kiosk-world.ts';
import { TERMINAL, temporaryFolder, writeJournal } from './fixtures.ts';

/** The backup that a core has made in a process of its own, by the command line beside it. */
let folder = '';
let remove: () => void;
beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
  writeJournal(join(folder, 'kiosk'), join(folder, 'kiosk-second'));
});
afterEach(() => {
  vi.restoreAllMocks();
  remove();
});
const data = (): string => join(folder, 'kiosk');
/** A command line that writes its number down and does what the source says. */
function entry(source: string): string {
  const file = join(folder, 'entry.mjs');
  writeFileSync(
    file,
    `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(join(folder, 'pid'))}, String(process.pid));\n${source}`,
  );
  return file;
}
const HANGS = 'setInterval(() => undefined, 1_000);';
const pid = (): number => Number(readFileSync(join(folder, 'pid'), 'utf8'));
const started = (): Promise<void> =>
  vi.waitFor(() => expect(existsSync(join(folder, 'pid')) && pid() > 0).toBe(true), 15_000);
const ended = (): Promise<void> =>
  vi.waitFor(() => expect(() => process.kill(pid(), 0)).toThrow(), 15_000);

describe('a backup apart', () => {
  test('is made beside the core that has the journal, by the real command line', async () => {
    const core = Journal.open({
      dataDir: data(),
      secondPath: join(folder, 'kiosk-second'),
      terminalId: TERMINAL,
      clock: systemClock,
      random: systemRandom,
      onFatal: () => undefined,
      backupApart: () => backupApart(data(), { clock: systemClock }),
    });
    if (!core.ok) throw new Error(core.error.code);
    expect(await core.value.backup()).toEqual(ok({ name: 'journal-1-18.db' }));
    core.value.close();
    expect(readdirSync(join(data(), 'backup'))).toEqual(['journal-1-18.db']);
  });

  test('its failure is what the command says of it', async () => {
    const made = await backupApart(join(folder, 'nowhere'), { clock: systemClock });
    expect(made).toMatchObject(
      err({ code: 'JRNL-0101', detail: expect.stringContaining('no journal at') }),
    );
  });

  test('no command line beside the core, and one that says nothing, fail clearly', async () => {
    const absent = await backupApart(data(), { clock: systemClock, entry: undefined });
    expect(absent.ok ? '' : absent.error.detail).toBe(
      'the backup failed: the command line is not installed beside the core',
    );
    const mute = await backupApart(data(), {
      clock: systemClock,
      entry: entry("process.stderr.write('out of memory'); process.exitCode = 7;"),
    });
    expect(mute.ok ? '' : mute.error.detail).toBe('the backup failed: no answer (7) out of memory');
  });

  test('one that has no end is killed after its time, by the core’s clock', async () => {
    const clock = new ManualClock(T0);
    const made = backupApart(data(), { clock, entry: entry(HANGS) });
    await started();
    clock.advance(3_599_999);
    expect(clock.pending()).toBe(1);
    clock.advance(1);
    const late = await made;
    expect(late.ok ? '' : late.error.detail).toBe('the backup failed: it had no end');
    await ended();
  });

  test('ends with the core that asked for it', async () => {
    const clock = new ManualClock(T0);
    const core = new AbortController();
    const made = backupApart(data(), { clock, signal: core.signal, entry: entry(HANGS) });
    await started();
    core.abort();
    expect((await made).ok).toBe(false);
    await ended();
    expect(clock.pending()).toBe(0);
    // Nor is one begun any more.
    expect((await backupApart(data(), { clock, signal: core.signal })).ok).toBe(false);
  });

  test('is how the real core has its backups made', async () => {
    writeTerminalJson(folder, hallPorts(20_000), hallKeys(folder), false, DIRECT);
    const loaded = loadConfig(join(folder, 'terminal.json'));
    if (!loaded.ok) throw new Error(loaded.error.detail);
    const opened = vi.spyOn(Journal, 'open').mockReturnValue(err(failure('JRNL-0101', 'in use')));
    const nothing = (): void => undefined;
    const composed = composeCore({
      loaded: loaded.value,
      clock: systemClock,
      random: systemRandom,
      log: nothing,
      version: '0',
      onSnapshot: nothing,
      onFatal: nothing,
      onMainsBack: nothing,
      onRestart: nothing,
    });
    expect(composed.ok ? '' : composed.error.detail).toBe('in use');
    expect(await opened.mock.calls[0]?.[0].backupApart?.()).toEqual(
      ok({ name: 'journal-1-18.db' }),
    );
  });
});
