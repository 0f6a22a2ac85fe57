import { describe, expect, test } from 'vitest';
import { checkInstallation } from '../../../src/main/cli/installation.ts';
import type { LoadedConfig } from '../../../src/main/config.ts';

const UNIT = {
  LoadState: 'loaded',
  UnitFileState: 'enabled',
  StateDirectory: 'pilotlight',
  ReadWritePaths: '-/mnt/second/pilotlight',
};

/** What doctor says of a kiosk in production whose machine answers so. */
function said(
  unit: Record<string, string> | null,
  { letters = 101, second = '/mnt/second/pilotlight', mode = 'production' } = {},
): string[] {
  const config = { mode, dataDir: '/var/lib/pilotlight/journal', secondPath: second };
  return checkInstallation({ config, path: (place: string) => place } as unknown as LoadedConfig, {
    letters: () => letters,
    run: (command, args) => {
      expect([command, args[0], args[1]]).toEqual(['systemctl', 'show', 'pilotlight.service']);
      return unit === null
        ? null
        : `${Object.entries(unit)
            .map(([key, value]) => `${key}=${value}`)
            .join('\n')}\n`;
    },
  }).map(({ level, check, text }) => `${level} ${check}: ${text}`);
}

describe('what the package brought, as doctor sees it', () => {
  test('all there', () => {
    expect(said(UNIT)).toEqual([
      'OK letters: the screen brings its own letters, 101 files',
      'OK service: pilotlight.service starts at power-on',
    ]);
  });

  test('letters that are not all there', () => {
    expect(said(UNIT, { letters: 3 })[0]).toBe(
      'FAIL letters: 3 files of letters come with the screen: Chinese shows as boxes',
    );
  });

  test('no service, and one that is not enabled', () => {
    expect(said({ ...UNIT, LoadState: 'not-found' })[1]).toMatch(
      /^WARN service: there is no pilotlight\.service/,
    );
    expect(said({ ...UNIT, UnitFileState: 'disabled' })[1]).toBe(
      'WARN service: pilotlight.service does not start at power-on',
    );
  });

  test('a second log where the service may not write', () => {
    expect(said(UNIT, { second: '/srv/second' })[1]).toBe(
      'FAIL service: secondPath: pilotlight.service may not write to /srv/second',
    );
    // Not below it, though it begins with the same letters.
    expect(said(UNIT, { second: '/mnt/second/pilotlight2' })[1]).toMatch(/^FAIL service/);
    expect(said({ ...UNIT, ReadWritePaths: '' })[1]).toMatch(/^FAIL service: secondPath/);
  });

  test('nothing is asked of a demo, nor where there is no systemd', () => {
    expect(said(UNIT, { mode: 'demo' })).toHaveLength(1);
    expect(said(null)).toHaveLength(1);
  });
});
