import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedConfig } from '../config.ts';
import { as, found } from './finding.ts';
import type { Finding } from './finding.ts';

/** More files of another's than these are only counted. */
const NAMED = 3;

/** What the system says of owners and disks. */
export interface OwnerPorts {
  /** User id of this process; null: the system has none (Windows). */
  readonly uid: number | null;
  /** `/etc/fstab`, and `/proc/self/mounts`; empty where there is none. */
  readonly fstab: () => string;
  readonly mounts: () => string;
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

/** This machine's. */
export const systemOwners: OwnerPorts = {
  get uid() {
    return process.getuid?.() ?? null;
  },
  fstab: () => textOf('/etc/fstab'),
  mounts: () => textOf('/proc/self/mounts'),
};

/**
 * Whose the files are that the kiosk writes: one that root made (a restore by hand, a doctor's
 * core) stops it at its next start. As root nothing can be told of what the kiosk's own user may
 * do.
 */
export function checkOwners(loaded: LoadedConfig, { uid }: OwnerPorts): Finding[] {
  if (uid === null) return [];
  if (uid === 0)
    return loaded.config.mode === 'production'
      ? [
          found(
            'WARN',
            'owner',
            {
              zh: '以 root 运行：运行本机的用户能不能读写，看不出来',
              en: 'this runs as root: what the kiosk’s own user may read and write is not seen',
            },
            { zh: '加上 --as pilotlight', en: 'say --as pilotlight' },
          ),
        ]
      : [];
  return (['dataDir', 'secondPath'] as const).flatMap((key) => {
    const folder = loaded.path(loaded.config[key]);
    if (!existsSync(folder)) return [];
    const others = [folder, ...readdirSync(folder).map((name) => join(folder, name))].filter(
      (file) => statSync(file, { throwIfNoEntry: false })?.uid !== uid && existsSync(file),
    );
    if (others.length === 0)
      return [
        found('OK', 'owner', {
          zh: `${key}：${folder} 都归本用户`,
          en: `${key}: all of ${folder} is this user’s`,
        }),
      ];
    const named = others.slice(0, NAMED).join(' ');
    const more = others.length > NAMED ? ` … (${others.length})` : '';
    return [
      found(
        'FAIL',
        'owner',
        {
          zh: `${key}：归别的用户所有：${named}${more}`,
          en: `${key}: another user’s: ${named}${more}`,
        },
        as(`chown -R ${uid}: ${folder}`),
        'JRNL-0108',
      ),
    ];
  });
}

/**
 * A second disk that is in fstab and not mounted: the second log would go to the first disk, and
 * nobody would notice until it fails.
 */
export function checkMounted(loaded: LoadedConfig, ports: OwnerPorts): Finding[] {
  const mounted = new Set(placesOf(ports.mounts()));
  return (['dataDir', 'secondPath'] as const).flatMap((key) => {
    const folder = loaded.path(loaded.config[key]);
    const place = placesOf(ports.fstab())
      .filter((p) => p !== '/' && (folder === p || folder.startsWith(`${p}/`)))
      .toSorted((a, b) => b.length - a.length)[0];
    if (place === undefined || mounted.has(place)) return [];
    return [
      found(
        'FAIL',
        'disk',
        {
          zh: `${key}：${place} 在 fstab 里，没有挂载：写进去的都落在别的磁盘上`,
          en: `${key}: ${place} is in fstab and not mounted: what is written goes to another disk`,
        },
        {
          zh: `mount ${place}，并查清为什么没有挂上`,
          en: `mount ${place}, and find out why it was not`,
        },
        'JRNL-0108',
      ),
    ];
  });
}

/** The second field of each line: where it is mounted (fstab(5); blanks are written as \040). */
function placesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .map((line) => line.trim().split(/\s+/)[1] ?? '')
    .filter((place) => place.startsWith('/'))
    .map((place) => place.replaceAll('\\040', ' '));
}
