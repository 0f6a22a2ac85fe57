import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { completeConfig, terminalConfigSchema } from '../../shared/config/terminal.ts';
import type { TerminalConfigFile } from '../../shared/config/terminal.ts';
import type { LoadedConfig } from '../config.ts';

/** A top-level key of terminal.json. */
export type ConfigKey = keyof TerminalConfigFile;

/** What stands for a part that cannot be used, so that the others can be looked at. */
const NEUTRAL = {
  mode: 'production',
  terminalId: '000000000000',
  site: '?',
  dataDir: '.',
  secondPath: '.',
  readers: [{ kind: 'pcsc' }],
  keys: { kind: 'central' },
  payments: [{ kind: 'gateway', baseUrl: 'https://nowhere.invalid' }],
  central: { baseUrl: 'https://nowhere.invalid', keyFile: 'keys/terminal.pem' },
} as const satisfies Partial<Record<ConfigKey, unknown>>;

/** Wrong parts are taken out one round after the other: each round names all that it finds. */
const ROUNDS = 30;

/**
 * What of a configuration that was refused can still be looked at.
 *
 * @returns the rest with what stands for the wrong parts, and which those are; null: the file is no
 *   JSON object
 */
export function salvage(
  file: string,
): { readonly loaded: LoadedConfig; readonly lost: ReadonlySet<string> } | null {
  const full = resolve(file);
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(readFileSync(full, 'utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return null;
  const lost = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const parsed = terminalConfigSchema.safeParse(json);
    if (parsed.success) {
      const baseDir = dirname(full);
      return {
        loaded: {
          config: completeConfig(parsed.data),
          file: full,
          baseDir,
          path: (p) => (isAbsolute(p) ? p : resolve(baseDir, p)),
        },
        lost,
      };
    }
    for (const issue of parsed.error.issues) {
      const [key] = issue.path;
      if (key === undefined && issue.code === 'unrecognized_keys')
        for (const unknown of issue.keys) delete json[unknown];
      if (typeof key !== 'string') continue;
      lost.add(key);
      if (Object.hasOwn(NEUTRAL, key)) json[key] = NEUTRAL[key as keyof typeof NEUTRAL];
      else delete json[key];
    }
  }
  return null;
}

/** The parts that a refusal in words names, as `central.baseUrl: …` or `readers[0].kind: …`. */
export function namedIn(detail: string): readonly string[] {
  const keys = Object.keys(terminalConfigSchema.shape);
  return keys.filter((key) => new RegExp(`(^|[\\s;])${key}(\\[\\d+\\])?(\\.|: )`).test(detail));
}
