import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTcpLine } from '../../src/device/scanner/tcp-line.ts';
import { NutUps } from '../../src/device/ups/nut.ts';
import type { Clock } from '../../src/shared/ports.ts';
import { systemClock } from '../support/clock.ts';
import { freePorts } from '../support/ports.ts';

/** Debian's nut-server. `dummy-ups` plays a file as a driver: everything but the UPS is real. */
const DRIVER = '/lib/nut/dummy-ups';
/** Debian's /sbin/upsd is a script that wants /etc/nut: this is the program. */
const SERVER = '/lib/nut/upsd';

let folder: string;
let port: number;
let driver: ChildProcess | null;
let server: ChildProcess | null;
let ups: NutUps;

const env = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'] ?? '',
  NUT_CONFPATH: folder,
  NUT_STATEPATH: folder,
  NUT_ALTPIDPATH: folder,
  NUT_QUIET_INIT_SSL: 'true',
});

/** What the driver plays (dummy-ups(8), “.dev files”: read anew when it changes). */
function plays(status: string, charge = 100): void {
  writeFileSync(
    join(folder, 'hall.dev'),
    `ups.status: ${status}\nbattery.charge: ${charge}\nbattery.runtime: 1800\nups.model: Dummy\n`,
  );
}
const startDriver = (): ChildProcess =>
  spawn(DRIVER, ['-a', 'hall', '-u', 'root', '-F'], { env: env(), stdio: 'ignore' });
const startServer = (): ChildProcess =>
  spawn(SERVER, ['-F', '-u', 'root'], { env: env(), stdio: 'ignore' });

/** Asks ten times as often as a kiosk does: what upsd itself takes is long enough. */
const often: Clock = { ...systemClock, after: (ms, fn) => systemClock.after(ms / 10, fn) };

/** Until the UPS says so. */
async function until(what: string, is: () => boolean): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (is()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`not ${what}: ${JSON.stringify(ups.status())} ${ups.failure()?.detail ?? ''}`);
}

describe.skipIf(!existsSync(SERVER) || !existsSync(DRIVER) || process.getuid?.() !== 0)(
  'a real upsd',
  () => {
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'pilotlight-upsd-'));
      port = await freePorts(1);
      writeFileSync(
        join(folder, 'ups.conf'),
        '[hall]\n  driver = dummy-ups\n  port = hall.dev\n  mode = dummy-loop\n  pollinterval = 1\n',
      );
      writeFileSync(join(folder, 'upsd.conf'), `LISTEN 127.0.0.1 ${port}\nMAXAGE 3\n`);
      writeFileSync(join(folder, 'upsd.users'), '');
      plays('OL');
      driver = startDriver();
      server = startServer();
      ups = new NutUps({
        open: () => openTcpLine('127.0.0.1', port),
        name: 'hall',
        clock: often,
        log: () => undefined,
      });
    });
    afterEach(async () => {
      await ups.close();
      driver?.kill('SIGKILL');
      server?.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });

    it('mains, battery, low battery, back; a driver that is gone is unknown, and so is upsd', async () => {
      await until('on mains', () => ups.status().mains === 'on');
      expect(ups.failure()).toBeNull();
      expect(ups.status()).toMatchObject({ low: false, chargePercent: 100, runtimeS: 1800 });
      plays('OB DISCHRG', 60);
      await until('on battery', () => ups.status().mains === 'battery');
      plays('OB LB', 8);
      await until('low', () => ups.status().low);
      plays('OL CHRG RB', 30);
      await until('back on mains', () => ups.status().mains === 'on' && ups.status().replace);
      driver?.kill('SIGKILL');
      await until('stale', () => ups.failure() !== null);
      // Nobody knows: that is never taken for a failing mains.
      expect(ups.status().mains).toBe('unknown');
      driver = startDriver();
      await until('back', () => ups.failure() === null && ups.status().mains === 'on');
      server?.kill('SIGKILL');
      await until('away', () => ups.failure() !== null);
      expect(ups.status().mains).toBe('unknown');
    }, 60_000);
  },
);
