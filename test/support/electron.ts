import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { _electron } from 'playwright-core';
import type { ElectronApplication, Page } from 'playwright-core';
import { electronBinary } from '../../src/demo/shell-choice.ts';
import { root, until } from './hall.ts';
import type { Hall } from './hall.ts';
import { Unprivileged } from './unprivileged.ts';

/**
 * Electron's binary (ELECTRON_OVERRIDE_DIST_PATH, else the npm package's own), or why there is
 * none.
 */
export function findElectron(): { readonly binary: string } | { readonly missing: string } {
  const binary = electronBinary(root, process.env);
  return binary === null
    ? {
        missing:
          'no Electron binary: ELECTRON_OVERRIDE_DIST_PATH names none and node_modules/electron/dist is empty',
      }
    : { binary };
}

const X_SOCKETS = '/tmp/.X11-unix';

/** A display of its own on a number that the X server picks. */
export class Display {
  readonly name: string;
  readonly #server: ChildProcess;
  readonly #madeFolder: boolean;

  private constructor(name: string, server: ChildProcess, madeFolder: boolean) {
    this.name = name;
    this.#server = server;
    this.#madeFolder = madeFolder;
  }

  static async start(size = '1400x2000x24'): Promise<Display> {
    const madeFolder = !existsSync(X_SOCKETS);
    if (madeFolder) mkdirSync(X_SOCKETS, { mode: 0o1777 });
    const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', size, '-nolisten', 'tcp'], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    let said = '';
    let number = '';
    let failed: Error | null = null;
    server.on('error', (error) => (failed = error));
    server.stderr?.on('data', (c: Buffer) => (said += c.toString()));
    (server.stdio[3] as NodeJS.ReadableStream).on('data', (c: Buffer) => (number += c.toString()));
    await until(
      'Xvfb',
      () => {
        if (failed !== null || server.exitCode !== null)
          throw new Error(`Xvfb (install xvfb): ${failed?.message ?? said}`);
        return number.endsWith('\n');
      },
      10_000,
    );
    return new Display(`:${number.trim()}`, server, madeFolder);
  }

  async stop(): Promise<void> {
    if (this.#server.exitCode === null && this.#server.signalCode === null) {
      const over = new Promise((r) => this.#server.once('exit', r));
      this.#server.kill('SIGTERM');
      await over;
    }
    if (!this.#madeFolder) return;
    try {
      rmdirSync(X_SOCKETS);
    } catch {
      // Somebody else began to use it.
    }
  }
}

/**
 * What the core loads; the bundled core would need less, but carries no sample keys and so serves
 * no demo.
 */
const CORE_NEEDS = ['better-sqlite3', 'csv-parse', 'iconv-lite', 'safer-buffer', 'uqr', 'zod'];

/** Playwright has the page of a kiosk in 5 s on a busy machine, or never. */
const ATTACH_MS = 25_000;
const ATTACHES = 3;

type Attached = { readonly app: ElectronApplication; readonly page: Page; readonly early: string };

/** The value, or null after a while. */
function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  return Promise.race([work, new Promise<null>((r) => setTimeout(r, ms, null))]);
}

/**
 * Electron with a page that answers. In about one launch of sixty Playwright loses the page while
 * it is loaded (its target stays paused, and every call on it hangs); then the launch is made
 * again. A kiosk whose page does not answer to the shell itself is no such case: that is an error
 * at once.
 */
async function attached(options: Parameters<typeof _electron.launch>[0]): Promise<Attached> {
  for (let attempt = 1; ; attempt++) {
    let app: ElectronApplication | null = null;
    let early = '';
    try {
      app = await _electron.launch(options);
      app.process().stderr?.on('data', (c: Buffer) => (early += c.toString()));
      const page = await app.firstWindow({ timeout: ATTACH_MS });
      if (
        (await within(
          ATTACH_MS,
          page.evaluate(() => true),
        )) === true
      )
        return { app, page, early };
      const seen = await within(
        ATTACH_MS,
        app.evaluate(({ BrowserWindow }) =>
          BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript(
            `document.querySelector('[data-screen]') !== null`,
          ),
        ),
      );
      if (seen !== true) throw new Error(`the kiosk's page does not answer: ${early}`);
      throw new LostPage();
    } catch (error) {
      const pid = app?.process().pid;
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      const lost = error instanceof LostPage || app === null;
      if (!lost || attempt === ATTACHES) throw error;
      console.log(`Playwright lost the page of launch ${attempt}: ${String(error).split('\n')[0]}`);
    }
  }
}

/** The page is there and Playwright has lost it. */
class LostPage extends Error {}

/** The kiosk in a real Electron, sandboxed and without rights, on a hall's services. */
export class ElectronKiosk {
  readonly app: ElectronApplication;
  readonly page: Page;
  readonly user: Unprivileged;
  #log = '';
  #closed = false;

  private constructor(app: ElectronApplication, page: Page, user: Unprivileged) {
    this.app = app;
    this.page = page;
    this.user = user;
  }

  /** @param hall started with `--shell none`; its data become the unprivileged user's. */
  static async launch(binary: string, display: Display, hall: Hall): Promise<ElectronKiosk> {
    const built = spawnSync(
      process.execPath,
      [join(root, 'scripts', 'build.mjs'), 'renderer', 'electron'],
      { cwd: root, encoding: 'utf8' },
    );
    if (built.status !== 0) throw new Error(`the build failed:\n${built.stdout}${built.stderr}`);
    const user = new Unprivileged();
    try {
      user.stage(join(root, 'package.json'), 'app/package.json');
      for (const part of [
        'dist/renderer',
        'dist/electron',
        'src',
        ...CORE_NEEDS.map((name) => `node_modules/${name}`),
      ])
        user.stage(join(root, part), `app/${part}`);
      const core = [
        join(user.folder, 'app', 'src', 'main', 'core', 'main.ts'),
        '--config',
        join(hall.dataDir, 'terminal.json'),
      ];
      user.give(hall.dataDir);
      const options = {
        executablePath: user.wrapper(user.program(dirname(binary), 'electron')),
        args: [join(user.folder, 'app')],
        chromiumSandbox: true,
        cwd: user.folder,
        env: user.env({
          DISPLAY: display.name,
          PILOTLIGHT_DEMO: '1',
          PILOTLIGHT_NODE: user.program(dirname(process.execPath), 'node'),
          PILOTLIGHT_CORE_ARGS: JSON.stringify(core),
        }),
        timeout: ATTACH_MS,
      };
      const { app, page, early } = await attached(options);
      const kiosk = new ElectronKiosk(app, page, user);
      kiosk.#log = early;
      app.process().stderr?.on('data', (c: Buffer) => (kiosk.#log += c.toString()));
      return kiosk;
    } catch (error) {
      user.dispose();
      throw error;
    }
  }

  /** What shell and core wrote. */
  get log(): string {
    return this.#log;
  }

  /**
   * Runs an expression in the page by the shell's own hand: also after a crash, which ends a
   * Playwright page for good.
   */
  inPage<T>(expression: string): Promise<T> {
    return this.app.evaluate(
      ({ BrowserWindow }, code) =>
        BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript(code) as Promise<unknown>,
      expression,
    ) as Promise<T>;
  }

  /** Quits it as a person would. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.app.close();
    } finally {
      this.user.dispose();
    }
  }
}

/** One line of `/proc/PID/status`. */
export function procStatus(pid: number, key: string): string {
  return (
    new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ??
    ''
  );
}
