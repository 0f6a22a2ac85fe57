import { readFileSync } from 'node:fs';

/** Where the package's description stands: beside the sources, the build, or the installed core. */
const PLACES = ['../../../package.json', './package.json', '../package.json'];

/**
 * The version of ours that is on disk now: once the package was replaced, another one than runs.
 * Null: it cannot be told.
 */
export function versionOnDisk(): string | null {
  for (const place of PLACES) {
    try {
      const text = readFileSync(new URL(place, import.meta.url), 'utf8');
      return (JSON.parse(text) as { version?: string }).version ?? null;
    } catch {
      continue;
    }
  }
  return null;
}
