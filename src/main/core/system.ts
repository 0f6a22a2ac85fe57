import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { networkInterfaces, release, uptime } from 'node:os';
import { join } from 'node:path';
import type { SystemPort } from '../../kiosk/maintenance/system.ts';
import type { SystemFacts } from '../../shared/contract/index.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';

/** A command of the system answers within this, or is given up. */
const COMMAND_MS = 5_000;
/** Darker than this nobody finds the button that makes it light again. */
const DARKEST = 10;

/** What this file asks of the system. */
export interface SystemTools {
  /** What a command prints; an error's text where it fails. */
  readonly run: (command: string, args: readonly string[]) => Promise<Result<string, string>>;
  /** A small file of the system; null: there is none. */
  readonly read: (file: string) => string | null;
  /** Names in a folder of the system; none where there is no such folder. */
  readonly list: (folder: string) => readonly string[];
  readonly interfaces: () => SystemFacts['addresses'];
  readonly uptimeMs: () => number;
}

/** This machine's. */
export const realTools: SystemTools = {
  run: (command, args) =>
    new Promise((resolve) => {
      execFile(command, args, { timeout: COMMAND_MS, encoding: 'utf8' }, (error, out, said) =>
        resolve(error === null ? ok(out) : err(said.trim() === '' ? error.message : said.trim())),
      );
    }),
  read: (file) => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return null;
    }
  },
  list: (folder) => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  },
  interfaces: () => {
    let all;
    try {
      all = networkInterfaces();
    } catch {
      // A unit may deny netlink sockets (RestrictAddressFamilies=, systemd.exec(5)).
      return [];
    }
    return Object.entries(all).flatMap(([name, of]) =>
      (of ?? []).filter((a) => !a.internal).map(({ address }) => ({ name, address })),
    );
  },
  uptimeMs: () => Math.round(uptime() * 1_000),
};

/** Where Linux has the panel's light (Documentation/ABI/stable/sysfs-class-backlight). */
const BACKLIGHT = '/sys/class/backlight';
/** logind sets it for whoever has the screen (org.freedesktop.login1, Session.SetBrightness). */
const LOGIND = ['org.freedesktop.login1', '/org/freedesktop/login1/session/auto'] as const;
const SESSION = 'org.freedesktop.login1.Session';

interface Light {
  readonly name: string;
  readonly now: number;
  readonly most: number;
}

function lightOf({ list, read }: SystemTools): Light | null {
  for (const name of list(BACKLIGHT)) {
    const [now, most] = ['brightness', 'max_brightness'].map((f) =>
      Number(read(join(BACKLIGHT, name, f)) ?? Number.NaN),
    );
    if (Number.isFinite(now) && Number.isFinite(most) && (most as number) > 0)
      return { name, now: now as number, most: most as number };
  }
  return null;
}

/** `PRETTY_NAME` of os-release(5). */
function systemName({ read }: SystemTools): string {
  const text = read('/etc/os-release') ?? '';
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? process.platform;
}

const refused = (why: string): Result<never, Failure> => err(failure('MNT-0301', why));

/**
 * The machine as maintenance mode sees it and may change it.
 *
 * @param o `restartCore`: ends this process in its own time, with an exit by which it is started
 *   again
 */
export function systemPort(
  o: {
    readonly version: string;
    /** The version on disk, read anew; null: it cannot be told. */
    readonly installed: () => string | null;
    readonly clock: Clock;
    readonly restartCore: () => void;
  },
  tools: SystemTools = realTools,
): SystemPort {
  const beganMono = o.clock.monoMs();
  return {
    look: async () => {
      // timedatectl(1): whether a time service has set the clock.
      const kept = await tools.run('timedatectl', ['show', '-p', 'NTPSynchronized', '--value']);
      const said = kept.ok ? kept.value.trim() : '';
      const light = lightOf(tools);
      const installed = o.installed();
      return {
        installed: installed === o.version ? null : installed,
        versions: [
          { name: 'Pilotlight', version: o.version },
          { name: 'Node', version: process.versions.node },
          { name: systemName(tools), version: release() },
        ],
        uptimeMs: tools.uptimeMs(),
        coreUptimeMs: Math.round(o.clock.monoMs() - beganMono),
        addresses: tools.interfaces(),
        clockKept: said === 'yes' ? true : said === 'no' ? false : null,
        brightness: light === null ? null : Math.max(1, Math.round((light.now / light.most) * 100)),
      };
    },
    setBrightness: async (percent) => {
      const light = lightOf(tools);
      if (light === null) return refused('this panel’s light cannot be set from here');
      const value = Math.round((Math.max(DARKEST, Math.min(100, percent)) / 100) * light.most);
      const set = await tools.run('busctl', [
        'call',
        ...LOGIND,
        SESSION,
        'SetBrightness',
        'ssu',
        'backlight',
        light.name,
        String(value),
      ]);
      return set.ok ? ok(undefined) : refused(set.error);
    },
    restartCore: o.restartCore,
    restartMachine: async () => {
      const asked = await tools.run('systemctl', ['reboot', '--no-ask-password']);
      return asked.ok ? ok(undefined) : refused(asked.error);
    },
  };
}
