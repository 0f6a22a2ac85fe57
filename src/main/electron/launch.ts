import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CoreCommand } from '../shell/supervisor.ts';

/** What decides how the shell starts; handed in so that it can be tried without Electron. */
export interface LaunchFacts {
  readonly packaged: boolean;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `process.resourcesPath`. */
  readonly resourcesPath: string;
  /** The folder above `dist/`. */
  readonly appRoot: string;
  readonly platform: string;
}

const DEBUG_SWITCHES =
  /^--(remote-debugging-(port|pipe|address)|inspect(-brk|-port|-publish-uid|-wait)?|js-flags|load-extension|disable-web-security|no-sandbox)(=|$)/;

/**
 * The first switch that would open a packaged kiosk to whoever can start it; null when there is
 * none.
 */
export function forbiddenSwitch(facts: Pick<LaunchFacts, 'packaged' | 'argv'>): string | null {
  if (!facts.packaged) return null;
  return facts.argv.find((argument) => DEBUG_SWITCHES.test(argument)) ?? null;
}

/** Demo mode opens a normal window that can be closed. */
export function isDemo(facts: Pick<LaunchFacts, 'argv' | 'env'>): boolean {
  return facts.env['PILOTLIGHT_DEMO'] === '1' || facts.argv.includes('--demo');
}

function option(argv: readonly string[], name: string): string | undefined {
  const at = argv.indexOf(name);
  return at >= 0
    ? argv[at + 1]
    : argv.find((argument) => argument.startsWith(`${name}=`))?.slice(name.length + 1);
}

/**
 * Which Node runs which core. A packaged build uses only what it was shipped with; elsewhere
 * PILOTLIGHT_NODE and PILOTLIGHT_CORE_ARGS (a JSON array of strings) come first.
 *
 * @throws with a sentence that names what is wrong
 */
export function coreCommand(
  facts: LaunchFacts,
  exists: (file: string) => boolean = existsSync,
): CoreCommand {
  const windows = facts.platform === 'win32';
  const pick = (what: string, candidates: readonly string[]): string => {
    const found = candidates.find((file) => exists(file));
    if (found === undefined) throw new Error(`${what} is at none of: ${candidates.join(', ')}`);
    return found;
  };
  // The core is a child of this process but no part of Electron.
  const env: Record<string, string | undefined> = { ...facts.env };
  for (const name of [
    'ELECTRON_RUN_AS_NODE',
    'NODE_OPTIONS',
    'PILOTLIGHT_CORE_ARGS',
    'PILOTLIGHT_NODE',
  ])
    delete env[name];

  const config =
    option(facts.argv, '--config') ??
    facts.env['PILOTLIGHT_CONFIG'] ??
    (windows
      ? path.win32.join(
          facts.env['ProgramData'] ?? 'C:\\ProgramData',
          'Pilotlight',
          'terminal.json',
        )
      : '/etc/pilotlight/terminal.json');
  if (facts.packaged) {
    const here = facts.resourcesPath;
    const nodePath = pick(
      'the Node binary',
      windows
        ? [path.join(here, 'node', 'node.exe'), path.join(here, 'node', 'bin', 'node.exe')]
        : [path.join(here, 'node', 'bin', 'node'), path.join(here, 'node', 'node')],
    );
    return {
      nodePath,
      args: [pick('the core', [path.join(here, 'core', 'core.mjs')]), '--config', config],
      env,
    };
  }
  const nodePath =
    facts.env['PILOTLIGHT_NODE'] ??
    pick('the Node binary', [
      path.join(facts.appRoot, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node'),
    ]);
  const given = facts.env['PILOTLIGHT_CORE_ARGS'];
  if (given !== undefined) {
    let args: unknown;
    try {
      args = JSON.parse(given);
    } catch {
      args = null;
    }
    if (
      !Array.isArray(args) ||
      args.length === 0 ||
      !args.every((argument): argument is string => typeof argument === 'string')
    )
      throw new Error('PILOTLIGHT_CORE_ARGS must be a JSON array of strings');
    return { nodePath, args, env };
  }
  return {
    nodePath,
    args: [
      pick('the core', [
        path.join(facts.appRoot, 'dist', 'core', 'core.mjs'),
        path.join(facts.appRoot, 'src', 'main', 'core', 'main.ts'),
      ]),
      '--config',
      config,
    ],
    env,
  };
}

/** Waits of the reload ladder: each crash within a minute waits longer. */
export function reloadDelayMs(recentCrashes: number): number {
  return Math.min(30_000, recentCrashes <= 1 ? 0 : 500 * 2 ** (recentCrashes - 2));
}

export interface KeyInput {
  readonly type: string;
  readonly key: string;
  readonly control: boolean;
  readonly alt: boolean;
  readonly meta: boolean;
}

const PLAIN_KEYS: ReadonlySet<string> = new Set([
  'Tab',
  'Enter',
  ' ',
  'Backspace',
  'ArrowUp',
  'ArrowDown',
  'ArrowLeft',
  'ArrowRight',
  'Shift',
  ...'0123456789',
]);

/**
 * Keys that may reach the page: what a number pad or an assistive switch needs, nothing that steers
 * a browser.
 */
export function keyAllowed(input: KeyInput): boolean {
  return !input.control && !input.alt && !input.meta && PLAIN_KEYS.has(input.key);
}
