import { readFileSync } from 'node:fs';
import { lstat, stat, statfs } from 'node:fs/promises';
import { basename } from 'node:path';
import type { StickView } from '../../shared/contract/index.ts';

/**
 * Where an export may go: a folder that terminal.json names, or the one USB stick that the system
 * mounted. Nothing on it is looked at but how much room it has.
 */

/** A stick with less room than this is full: an export is some megabytes. */
const LEAST_BYTES = 8 << 20;
/** Where systems mount what is plugged in; docs/install.md says how, and with which options. */
const UNDER = /^\/(?:run\/media|media)\/[^/]+(?:\/[^/]+)?$/;

/** A mounted stick. */
export interface Mount {
  readonly path: string;
  /** `major:minor` of the device: a folder whose stick was pulled is on another one. */
  readonly device: string;
  readonly readOnly: boolean;
}

/**
 * The sticks among the mounts of `/proc/self/mountinfo` (proc(5): mount id, parent, device, root,
 * mount point, options, …). Spaces in names are octal there.
 */
export function sticksIn(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line): Mount[] => {
    const [, , device, , point, options] = line.split(' ');
    if (device === undefined || point === undefined || options === undefined) return [];
    const path = point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    return UNDER.test(path) ? [{ path, device, readOnly: options.split(',').includes('ro') }] : [];
  });
}

/** A place that can be written to. */
export interface ReadyPlace {
  readonly state: 'ready';
  readonly path: string;
  /** Null: the configured folder, whichever device it is on. */
  readonly device: string | null;
  readonly freeBytes: number;
}
/** A place that is ready, or why there is none. */
export type Place =
  | ReadyPlace
  | {
      readonly state: 'full' | 'read-only';
      readonly path: string;
      readonly freeBytes: number;
    }
  | { readonly state: 'none' | 'several' };

/** The system's mounts; injected by tests. Empty where there is no such file. */
export function systemMounts(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}

/** Looks for the place to write to. `folder` null: a stick. Never rejects. */
export async function findPlace(
  folder: string | null,
  mounts: () => string = systemMounts,
): Promise<Place> {
  const found: readonly Mount[] =
    folder === null
      ? sticksIn(mounts())
      : (await isFolder(folder))
        ? [{ path: folder, device: '', readOnly: false }]
        : [];
  const [one, ...more] = found;
  if (one === undefined) return { state: 'none' };
  if (more.length > 0) return { state: 'several' };
  const { path } = one;
  const device = folder === null ? one.device : null;
  try {
    const { bavail, bsize } = await statfs(path);
    const freeBytes = bavail * bsize;
    if (one.readOnly) return { state: 'read-only', path, freeBytes };
    return freeBytes < LEAST_BYTES
      ? { state: 'full', path, freeBytes }
      : { state: 'ready', path, device, freeBytes };
  } catch {
    return { state: 'none' };
  }
}

/** A folder itself: a link to one is not followed. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** Is what lies at this path on that device? `device` null: on whichever. */
export async function isOn(path: string, device: string | null): Promise<boolean> {
  if (device === null) return true;
  const { dev } = await stat(path);
  return deviceName(dev) === device;
}

/** `major:minor` as the kernel packs them (makedev(3), the Linux layout). */
export function deviceName(dev: number): string {
  const bits = BigInt(dev);
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n);
  const minor = (bits & 0xffn) | ((bits >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

/** As the screen shows it. */
export function stickView(place: Place): StickView {
  return 'path' in place
    ? { state: place.state, name: basename(place.path).slice(0, 40), freeBytes: place.freeBytes }
    : { state: place.state, name: '', freeBytes: 0 };
}
