import { describe, expect, it } from 'vitest';
import { systemPort } from '../../../src/main/core/system.ts';
import type { SystemTools } from '../../../src/main/core/system.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { ManualClock } from '../../support/clock.ts';

/** A system as it answers on Debian 12 with a laptop's panel. */
function machine(more: Partial<SystemTools> = {}): {
  readonly tools: SystemTools;
  readonly asked: string[];
} {
  const asked: string[] = [];
  const files: Readonly<Record<string, string>> = {
    '/etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\n',
    '/sys/class/backlight/intel_backlight/brightness': '480\n',
    '/sys/class/backlight/intel_backlight/max_brightness': '1200\n',
  };
  return {
    asked,
    tools: {
      run: (command, args) => {
        asked.push([command, ...args].join(' '));
        return Promise.resolve(ok(command === 'timedatectl' ? 'yes\n' : ''));
      },
      read: (file) => files[file] ?? null,
      list: (folder) => (folder === '/sys/class/backlight' ? ['intel_backlight'] : []),
      interfaces: () => [{ name: 'eth0', address: '10.1.2.3' }],
      uptimeMs: () => 7_200_000,
      ...more,
    },
  };
}
const port = (
  tools: SystemTools,
  restartCore = (): void => undefined,
  installed: string | null = '0.1.0',
) =>
  systemPort(
    { version: '0.1.0', installed: () => installed, clock: new ManualClock(0), restartCore },
    tools,
  );

describe('the machine as maintenance mode sees it', () => {
  it('tells versions, addresses, clock and light', async () => {
    expect(await port(machine().tools).look()).toEqual({
      versions: [
        { name: 'Pilotlight', version: '0.1.0' },
        { name: 'Node', version: process.versions.node },
        { name: 'Debian GNU/Linux 12 (bookworm)', version: expect.any(String) },
      ],
      installed: null,
      uptimeMs: 7_200_000,
      coreUptimeMs: 0,
      addresses: [{ name: 'eth0', address: '10.1.2.3' }],
      clockKept: true,
      brightness: 40,
    });
  });

  it('says nothing of what the system does not tell', async () => {
    const bare = machine({
      run: () => Promise.resolve(err('not found')),
      list: () => [],
    });
    const look = await port(bare.tools).look();
    expect([look.clockKept, look.brightness]).toEqual([null, null]);
    const set = await port(bare.tools).setBrightness(50);
    expect(set.ok ? '' : set.error.code).toBe('MNT-0301');
  });

  it('sets the light through logind, never so dark that nobody finds the way back', async () => {
    const { tools, asked } = machine();
    expect((await port(tools).setBrightness(50)).ok).toBe(true);
    expect((await port(tools).setBrightness(0)).ok).toBe(true);
    expect(asked.map((line) => line.split(' ').slice(-4))).toEqual([
      ['ssu', 'backlight', 'intel_backlight', '600'],
      ['ssu', 'backlight', 'intel_backlight', '120'],
    ]);
  });

  it('asks the system for a restart, and gives its own words where it refuses', async () => {
    const { tools, asked } = machine();
    expect((await port(tools).restartMachine()).ok).toBe(true);
    expect(asked).toEqual(['systemctl reboot --no-ask-password']);
    const refused = machine({
      run: () => Promise.resolve(err('Interactive authentication required.')),
    });
    const said = await port(refused.tools).restartMachine();
    expect(said.ok ? null : [said.error.code, said.error.detail]).toEqual([
      'MNT-0301',
      'Interactive authentication required.',
    ]);
  });
});
