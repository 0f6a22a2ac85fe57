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
const CORE_NEEDS = ['better-sqlite3', 'iconv-lite', 'safer-buffer', 'zod'];

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
      const app = await _electron.launch({
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
        timeout: 60_000,
      });
      const early: string[] = [];
      const hear = (c: Buffer): void => void early.push(c.toString());
      app.process().stderr?.on('data', hear);
      const kiosk = new ElectronKiosk(app, await app.firstWindow(), user);
      kiosk.#log = early.join('');
      app.process().stderr?.off('data', hear);
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
