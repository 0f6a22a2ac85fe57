import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  coreCommand,
  forbiddenSwitch,
  isDemo,
  keyAllowed,
  reloadDelayMs,
  shellFolder,
} from '../../../src/main/electron/launch.ts';
import { USUAL_KEYS } from '../../../src/renderer/keys/keymap.ts';
import type { LaunchFacts } from '../../../src/main/electron/launch.ts';

const facts = (more: Partial<LaunchFacts>): LaunchFacts => ({
  packaged: false,
  argv: [],
  env: {},
  resourcesPath: '/res',
  appRoot: '/app',
  platform: 'linux',
  ...more,
});

describe('how the Electron shell starts', () => {
  const packaged = (
    argv: readonly string[],
    platform = 'linux',
    understood: readonly string[] = [],
  ) => forbiddenSwitch({ packaged: true, argv, platform }, (name) => understood.includes(name));

  it('as it is installed', () => {
    const service = readFileSync('resources/linux/pilotlight.service', 'utf8');
    const started = /^ExecStart=.*\/opt\/Pilotlight\/pilotlight (.*)$/m.exec(service)?.[1];
    expect(packaged(started?.split(' ') ?? ['?'])).toBeNull();
    for (const argv of [
      [],
      ['--demo', '--config', '/x'],
      ['--ozone-platform=wayland', '--config', '/etc/pilotlight/terminal.json'],
      ['--config=/etc/pilotlight/terminal.json', '--ozone-platform', 'x11'],
    ])
      expect(packaged(argv)).toBeNull();
    expect(
      packaged(['--config', 'C:\\ProgramData\\Pilotlight\\terminal.json'], 'win32'),
    ).toBeNull();
  });

  it('with what a developer needs, only where it is not packaged', () => {
    const argv = ['--inspect=0', '--remote-debugging-port=0', '/src'];
    expect(forbiddenSwitch({ packaged: false, argv, platform: 'linux' }, () => true)).toBeNull();
  });

  it('knows demo mode', () => {
    expect([
      isDemo(facts({})),
      isDemo(facts({ argv: ['--demo'] })),
      isDemo(facts({ env: { PILOTLIGHT_DEMO: '1' } })),
    ]).toEqual([false, true, true]);
  });

  it('takes the core from the environment in development and never in a packaged build', () => {
    const env = {
      PILOTLIGHT_NODE: '/n',
      PILOTLIGHT_CORE_ARGS: '["core.ts","--x"]',
    };
    expect(coreCommand(facts({ env }), () => true)).toEqual({
      nodePath: '/n',
      args: ['core.ts', '--x'],
    });
    expect(
      coreCommand(facts({ env, packaged: true, argv: ['--config', '/c.json'] }), () => true),
    ).toMatchObject({
      nodePath: '/res/node/bin/node',
      args: ['/res/core/core.mjs', '--config', '/c.json'],
    });
    expect(() => coreCommand(facts({ env: { PILOTLIGHT_CORE_ARGS: '{}' } }), () => true)).toThrow(
      'JSON array',
    );
    expect(() => coreCommand(facts({ packaged: true }), () => false)).toThrow('/res/node/bin/node');
  });

  it('lets a number pad and a scanner through and no shortcut', () => {
    const key = (name: string, more = {}): boolean =>
      keyAllowed({ type: 'keyDown', key: name, control: false, alt: false, meta: false, ...more });
    expect(['1', 'Enter', 'Tab', ' '].every((name) => key(name))).toBe(true);
    // What scanners type: any character, with Caps Lock, behind an input method.
    expect([']', 'Q', 'r', '：', 'CapsLock', 'Process'].every((name) => key(name))).toBe(true);
    // All that the keyboard of a visit is for, as keypads usually send it, and can be set to.
    for (const name of [...Object.values(USUAL_KEYS).flat(), 'F13', 'F17', 'F24'])
      expect(key(name), name).toBe(true);
    expect(['F5', 'F11', 'F12', 'PrintScreen', 'BrowserBack'].some((name) => key(name))).toBe(
      false,
    );
    expect([
      key('Tab', { alt: true }),
      key('0', { control: true }),
      key('1', { meta: true }),
    ]).toEqual([false, false, false]);
  });

  it('waits longer the more often the page dies', () => {
    expect([1, 2, 3, 4, 20].map(reloadDelayMs)).toEqual([0, 500, 1000, 2000, 30_000]);
  });

  it('takes a folder of its own that it can write', () => {
    const env = { STATE_DIRECTORY: '/var/lib/pilotlight:/x', XDG_RUNTIME_DIR: '/run/user/990' };
    const tried: string[] = [];
    const only = (good: string) => (folder: string) => tried.push(folder) > 0 && folder === good;
    expect(shellFolder({ env }, '/nobody/.config', only('/var/lib/pilotlight/shell'))).toBe(
      '/var/lib/pilotlight/shell',
    );
    expect(tried).toEqual(['/var/lib/pilotlight/shell']);
    expect(shellFolder({ env }, '/nobody/.config', only('/nobody/.config'))).toBe(
      '/nobody/.config',
    );
    expect(shellFolder({ env }, '/nobody/.config', only('/run/user/990/pilotlight'))).toBe(
      '/run/user/990/pilotlight',
    );
    expect(shellFolder({ env }, null, () => true)).toBe('/var/lib/pilotlight/shell');
    expect(() => shellFolder({ env: {} }, '/nobody/.config', () => false)).toThrow(
      "the window's own folder can be written at none of: /nobody/.config",
    );
  });
});
