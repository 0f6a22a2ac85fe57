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

/** What a packaged kiosk may be started with: as it stands, or with a value that fits. */
const ALONE: ReadonlySet<string> = new Set(['--demo']);
const WITH_VALUE: ReadonlyMap<string, RegExp> = new Map([
  // A value that looks like a switch is one to Chromium, whatever it follows.
  ['--config', /^[^-]/],
  ['--ozone-platform', /^(wayland|x11)$/],
]);
/**
 * Chromium reads its command line by itself: `-name` as `--name`, on Windows `/name` too, and what
 * its surroundings add. These are asked for by name once more, as it understood them: what lets
 * somebody in, and nothing that Electron sets itself.
 */
const OPENING_SWITCHES = [
  'remote-debugging-port',
  'remote-debugging-pipe',
  'remote-debugging-address',
  'remote-allow-origins',
  'inspect',
  'inspect-brk',
  'load-extension',
  'disable-web-security',
  'no-sandbox',
  'single-process',
  'proxy-server',
  'proxy-pac-url',
  'host-rules',
  'host-resolver-rules',
  'ignore-certificate-errors',
  'renderer-cmd-prefix',
  'utility-cmd-prefix',
  'gpu-launcher',
  'unsafely-treat-insecure-origin-as-secure',
] as const;

/**
 * The first argument by which a packaged kiosk must not be started: anything but `--demo`,
 * `--config FILE` and the window system, since Chromium has hundreds of switches and learns new
 * ones. Null: there is none.
 *
 * @param understood whether Chromium took a switch of this name (`app.commandLine.hasSwitch`)
 */
export function forbiddenSwitch(
  { packaged, argv, platform }: Pick<LaunchFacts, 'packaged' | 'argv' | 'platform'>,
  understood: (name: string) => boolean,
): string | null {
  if (!packaged) return null;
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] as string;
    if (ALONE.has(argument)) continue;
    const equals = argument.indexOf('=');
    const fits = WITH_VALUE.get(equals < 0 ? argument : argument.slice(0, equals));
    if (fits === undefined) return argument;
    const value = equals < 0 ? (argv[++at] ?? '') : argument.slice(equals + 1);
    if (!fits.test(value) || (platform === 'win32' && value.startsWith('/')))
      return `${argument} ${value}`;
  }
  return OPENING_SWITCHES.find((name) => understood(name)) ?? null;
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
    return { nodePath, args };
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
  };
}

/**
 * The window's own folder (its lock, its caches; nothing that matters): where the service manager
 * says that state goes, else where Electron puts it, else the session's run-time folder. The first
 * that can be written. A home that cannot be written makes Electron believe that it runs already.
 *
 * @param usual where Electron would put it; null: it knows no such place
 * @param writable makes the folder, and says whether it can be written
 * @throws with a sentence that names the places
 */
export function shellFolder(
  facts: Pick<LaunchFacts, 'env'>,
  usual: string | null,
  writable: (folder: string) => boolean,
): string {
  const state = facts.env['STATE_DIRECTORY']?.split(':')[0];
  const runtime = facts.env['XDG_RUNTIME_DIR'];
  const places = [
    ...(state === undefined || state === '' ? [] : [path.join(state, 'shell')]),
    ...(usual === null ? [] : [usual]),
    ...(runtime === undefined || runtime === '' ? [] : [path.join(runtime, 'pilotlight')]),
  ];
  const found = places.find((folder) => writable(folder));
  if (found === undefined)
    throw new Error(`the window's own folder can be written at none of: ${places.join(', ')}`);
  return found;
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
  'Backspace',
  'ArrowUp',
  'ArrowDown',
  'ArrowLeft',
  'ArrowRight',
  'Shift',
  'CapsLock',
  'Process',
  'Delete',
  'Escape',
  'Cancel',
  'Clear',
  'Help',
  'F1',
  'F2',
  'AudioVolumeUp',
  'AudioVolumeDown',
]);
/** What keypads for kiosks send: no browser has a use for these. */
const HIGH_FUNCTION_KEY = /^F(?:1[3-9]|2[0-4])$/;

/**
 * Keys that may reach the page: what a tactile keypad or an assistive switch sends, and characters,
 * as scanners type them (also behind an input method, `Process`); nothing that steers a browser.
 */
export function keyAllowed(input: KeyInput): boolean {
  if (input.control || input.alt || input.meta) return false;
  const { key } = input;
  return [...key].length === 1 || PLAIN_KEYS.has(key) || HIGH_FUNCTION_KEY.test(key);
}
