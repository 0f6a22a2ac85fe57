import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { startBrowserShell } from '../../src/main/browser/server.ts';
import type { BrowserShell } from '../../src/main/browser/server.ts';
import { watchTaps } from './tapped.ts';
import type { Tapped } from './tapped.ts';

const PANEL = { width: 1080, height: 1920 };
/** A quick finger's tap, from down to up. */
const FINGER_MS = 80;
/** A core that does not listen yet is called again. */
const CALL_AGAIN_MS = 50;

/** The start screen of the kiosk, or whatever the floor has of it. */
const FIRST = '[data-screen="start"], #root[data-revision]:not([data-revision="-1"])';

/** Reads in the page by name: the bench's own functions, put there before the page's code. */
const READ = {
  revision: 'window.__revision()',
  tap: 'window.__tap()',
  tapped: 'window.__tapped',
};

/** One page over its own shell and its own core with recorded screens. */
export class Stand {
  readonly page: Page;
  readonly devtools: CDPSession;
  readonly shell: BrowserShell;
  /** From the core's first snapshot to the first screen of the page that was begun with it, ms. */
  readonly firstMs: number;
  readonly #line: Socket;
  readonly #folder: string;

  private constructor(
    page: Page,
    devtools: CDPSession,
    shell: BrowserShell,
    firstMs: number,
    line: Socket,
    folder: string,
  ) {
    this.page = page;
    this.firstMs = firstMs;
    this.devtools = devtools;
    this.shell = shell;
    this.#line = line;
    this.#folder = folder;
  }

  /**
   * @param rendererDir the page: the kiosk's own, or the floor's
   * @param log what the shell says
   */
  static async open(
    browser: Browser,
    rendererDir: string,
    log: (line: string) => void = () => undefined,
  ): Promise<Stand> {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-stand-'));
    const steer = join(folder, 'core.sock');
    const shell = await startBrowserShell({
      port: 0,
      rendererDir,
      core: {
        nodePath: process.execPath,
        args: [new URL('recorded-core.ts', import.meta.url).pathname, steer],
      },
      log,
    });
    let readyAt = Number.NaN;
    const off = shell.supervisor.subscribe(({ screen }) => {
      if (screen !== 'start') return;
      readyAt = performance.now();
      off();
    });
    const context = await browser.newContext({ viewport: PANEL, hasTouch: true });
    await context.addInitScript(watchTaps);
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await page.goto(shell.url);
    await page.waitForSelector(FIRST);
    const firstMs = Math.max(0, performance.now() - readyAt);
    return new Stand(page, devtools, shell, firstMs, await called(steer), folder);
  }

  /** @returns from leaving the page to its first screen, ms */
  async reload(): Promise<number> {
    const began = performance.now();
    await this.page.reload();
    await this.page.waitForSelector(FIRST);
    return performance.now() - began;
  }

  /** Shows a recorded screen, and waits until it is drawn. */
  async show(key: string): Promise<void> {
    const revision = await this.page.evaluate(READ.revision);
    const drawn = this.page.evaluate(`window.__next(${String(revision)})`);
    this.#line.write(`${key}\n`);
    await drawn;
  }

  /** Taps in the middle of a control, as long as a finger does. */
  async tap(selector: string): Promise<Tapped> {
    const box = await this.page.locator(selector).first().boundingBox();
    if (box === null) throw new Error(`nothing to tap: ${selector}`);
    const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    await this.page.evaluate(READ.tap);
    await this.devtools.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at] });
    await new Promise((r) => setTimeout(r, FINGER_MS));
    await this.devtools.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    return this.page.evaluate(READ.tapped) as Promise<Tapped>;
  }

  async close(): Promise<void> {
    this.#line.destroy();
    await this.page.context().close();
    await this.shell.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function called(path: string): Promise<Socket> {
  for (;;) {
    const line = await new Promise<Socket | null>((done) => {
      const socket = connect(path, () => done(socket));
      socket.on('error', () => done(null));
    });
    if (line !== null) return line;
    await new Promise((r) => setTimeout(r, CALL_AGAIN_MS));
  }
}
