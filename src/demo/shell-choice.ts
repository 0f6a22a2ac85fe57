import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export type ShellChoice =
  | { readonly kind: 'electron'; readonly binary: string }
  | { readonly kind: 'browser'; readonly why: string };

/**
 * Where Electron's binary is: the override, else the npm package's own; null: nowhere. Nothing is
 * fetched here.
 */
export function electronBinary(root: string, env: NodeJS.ProcessEnv): string | null {
  const name =
    process.platform === 'win32'
      ? 'electron.exe'
      : process.platform === 'darwin'
        ? 'Electron.app/Contents/MacOS/Electron'
        : 'electron';
  const places = [
    ...(env['ELECTRON_OVERRIDE_DIST_PATH'] === undefined
      ? []
      : [join(env['ELECTRON_OVERRIDE_DIST_PATH'], name)]),
    join(root, 'node_modules', 'electron', 'dist', name),
  ];
  return places.find((p) => existsSync(p)) ?? null;
}

/** One try, limited in time; Electron's own installer respects proxies and ELECTRON_MIRROR. */
const FETCH_MS = 20_000;

/**
 * Electron where its binary, a display and a usable sandbox are there; else the browser shell, with
 * the reason.
 */
export function chooseShell(
  wish: 'auto' | 'browser' | 'electron',
  root: string,
  env: NodeJS.ProcessEnv,
): ShellChoice {
  if (wish === 'browser') return { kind: 'browser', why: 'asked for' };
  if (
    process.platform === 'linux' &&
    (env['DISPLAY'] ?? '') === '' &&
    (env['WAYLAND_DISPLAY'] ?? '') === ''
  )
    return { kind: 'browser', why: 'there is no display (DISPLAY and WAYLAND_DISPLAY are empty)' };
  if (process.platform === 'linux' && process.getuid?.() === 0)
    return { kind: 'browser', why: 'Electron’s sandbox does not run as root' };
  let binary = electronBinary(root, env);
  const installer = join(root, 'node_modules', 'electron', 'install.js');
  if (binary === null && existsSync(installer)) {
    process.stdout.write('fetching Electron (one try) …\n');
    spawnSync(process.execPath, [installer], {
      cwd: root,
      stdio: 'ignore',
      timeout: FETCH_MS,
      killSignal: 'SIGKILL',
      env,
    });
    binary = electronBinary(root, env);
  }
  if (binary === null)
    return { kind: 'browser', why: 'Electron’s binary is not here and could not be fetched' };
  return { kind: 'electron', binary };
}
