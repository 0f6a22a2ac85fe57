import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { app, BrowserWindow, ipcMain, Menu, powerSaveBlocker, protocol, session } from 'electron';
import type { IpcMainEvent, Session, WebContents } from 'electron';
import { z } from 'zod';
import { intentSchema, paintedSchema } from '../../shared/contract/index.ts';
import type { Snapshot } from '../../shared/contract/index.ts';
import { createBeatWatch } from '../shell/beat-watch.ts';
import type { BeatMemory, BeatWatch } from '../shell/beat-watch.ts';
import { createScreenWatch } from '../shell/screen-watch.ts';
import type { ScreenMemory, ScreenPorts, ScreenWatch } from '../shell/screen-watch.ts';
import { loadStaticFiles, saidClip, securityHeaders } from '../shell/static-files.ts';
import type { StaticFile } from '../shell/static-files.ts';
import { createSupervisor } from '../shell/supervisor.ts';
import type { CoreSupervisor } from '../shell/supervisor.ts';
import { CHANNELS, HOME, ORIGIN } from './channels.ts';
import {
  coreCommand,
  forbiddenSwitch,
  isDemo,
  keyAllowed,
  reloadDelayMs,
  shellFolder,
} from './launch.ts';
import type { LaunchFacts } from './launch.ts';

const log = (line: string): void => console.error(`shell: ${line}`);
/** EX_CONFIG: something on this machine has to be set right first. */
const EXIT_CONFIG = 78;
/** Crashes older than this are forgotten by the reload ladder. */
const CRASH_MEMORY_MS = 60_000;
/** More crashes than this within the memory: the window itself is made anew. */
const CRASHES_PER_WINDOW = 4;

const appRoot = path.resolve(__dirname, '..', '..');
const facts: LaunchFacts = {
  packaged: app.isPackaged,
  argv: process.argv.slice(1),
  env: process.env,
  resourcesPath: process.resourcesPath,
  appRoot,
  platform: process.platform,
};
const demo = isDemo(facts);
const production = app.isPackaged && !demo;

let window: BrowserWindow | null = null;
let screen: ScreenWatch | null = null;
const screenMemory: ScreenMemory = { fruitless: 0 };
let beat: BeatWatch | null = null;
const beatMemory: BeatMemory = { fruitless: 0 };
let supervisor: CoreSupervisor | null = null;
let quitting = false;
let crashes: number[] = [];

const bad = forbiddenSwitch(facts, (name) => app.commandLine.hasSwitch(name));
if (bad !== null) {
  log(`refused to start with ${bad}`);
  app.exit(1);
} else if (!settle()) {
  app.exit(EXIT_CONFIG);
} else if (!app.requestSingleInstanceLock()) {
  log('another instance runs already');
  app.exit(0);
} else {
  start();
}

/** Electron throws where it could make none. */
function usualFolder(): string | null {
  try {
    return app.getPath('userData');
  } catch {
    return null;
  }
}

/**
 * Takes a folder for the window, before anything is written to it. False: there is none, and it is
 * said.
 */
function settle(): boolean {
  try {
    app.setPath(
      'userData',
      shellFolder(facts, usualFolder(), (folder) => {
        try {
          mkdirSync(folder, { recursive: true, mode: 0o700 });
          accessSync(folder, constants.W_OK | constants.X_OK);
          return true;
        } catch {
          return false;
        }
      }),
    );
    return true;
  } catch (error) {
    log(error instanceof Error ? error.message : String(error));
    return false;
  }
}

function start(): void {
  // Before ready, all of it: afterwards Electron takes no notice.
  app.enableSandbox();
  // A graphics process that finds no device gives up a few times, and may take the window with it.
  if (process.platform === 'linux' && !existsSync('/dev/dri')) {
    log('no graphics device (/dev/dri): drawn by the processor');
    app.disableHardwareAcceleration();
  }
  Menu.setApplicationMenu(null);
  protocol.registerSchemesAsPrivileged([
    {
      scheme: 'kiosk',
      privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true },
    },
  ]);
  for (const [name, value] of [
    ['disable-pinch', undefined],
    ['overscroll-history-navigation', '0'],
    ['disable-background-networking', undefined],
  ] as const) {
    if (value === undefined) app.commandLine.appendSwitch(name);
    else app.commandLine.appendSwitch(name, value);
  }
  app.on('web-contents-created', (_event, contents) => lockDown(contents));
  app.on('second-instance', () => {
    if (window?.isMinimized() === true) window.restore();
    window?.focus();
  });
  app.on('window-all-closed', () => {
    // A kiosk has no reason to be without a window; a demo's window may be closed by its person.
    if (demo || !production || quitting) app.quit();
    else openWindow();
  });
  app.on('before-quit', (event) => {
    if (quitting || supervisor === null) return;
    // The core is asked to end before the shell does: it may be in the middle of a write.
    event.preventDefault();
    quitting = true;
    void supervisor.stop().finally(() => app.exit(0));
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => app.quit());

  app
    .whenReady()
    .then(ready)
    .catch((error: unknown) => {
      log(error instanceof Error ? error.message : String(error));
      app.exit(1);
    });
}

function ready(): void {
  const files = loadStaticFiles(path.join(appRoot, 'dist', 'renderer'));
  serve(session.defaultSession, files);
  denyPermissions(session.defaultSession);
  supervisor = createSupervisor({ core: coreCommand(facts), demo, log });
  supervisor.subscribe((snapshot) => push(snapshot));
  listen(CHANNELS.ready, z.undefined(), () => {
    screen?.ready();
    beat?.began();
    if (window !== null) void tellLetters(window.webContents);
    if (supervisor !== null) push(supervisor.current());
  });
  listen(CHANNELS.intent, intentSchema, (intent) => {
    supervisor?.send(intent);
  });
  listen(CHANNELS.painted, paintedSchema, (painted) => beat?.painted(painted));
  app.on('child-process-gone', (_event, details) => {
    if (details.type !== 'GPU') return;
    log(`graphics process gone: ${details.reason}`);
    screen?.graphicsLost();
  });
  powerSaveBlocker.start('prevent-display-sleep');
  supervisor.start();
  openWindow();
}

/** Serves a closed map: a request names a key of it or gets nothing. */
function serve(target: Session, files: ReadonlyMap<string, StaticFile>): void {
  const headers = securityHeaders();
  target.protocol.handle('kiosk', (request) => {
    const url = new URL(request.url);
    const file =
      url.host === 'app' && request.method === 'GET'
        ? (files.get(url.pathname) ?? saidClip(url.pathname, (id) => supervisor?.clip(id) ?? null))
        : undefined;
    if (file === undefined)
      return new Response('Not found.', {
        status: 404,
        headers: { ...headers, 'Content-Type': 'text/plain' },
      });
    return new Response(new Uint8Array(file.body), {
      status: 200,
      headers: {
        ...headers,
        'Content-Type': file.type,
        'Cache-Control': file.immutable ? 'max-age=31536000, immutable' : 'no-store',
      },
    });
  });
}

/** Electron grants every permission unless told otherwise. */
function denyPermissions(target: Session): void {
  target.setPermissionRequestHandler((_contents, permission, answer) => {
    log(`permission ${permission} denied`);
    answer(false);
  });
  target.setPermissionCheckHandler(() => false);
  target.setDevicePermissionHandler(() => false);
  // Newer than the oldest Electron this runs on.
  const newer = target as unknown as {
    setDisplayMediaRequestHandler?: (handler: null) => void;
    setBluetoothPairingHandler?: (handler: null) => void;
  };
  if (typeof newer.setDisplayMediaRequestHandler === 'function')
    newer.setDisplayMediaRequestHandler(null);
  target.on('will-download', (event) => event.preventDefault());
}

/** Whatever web contents come to be: none may go elsewhere, open anything or take a browser's keys. */
function lockDown(contents: WebContents): void {
  const stay = (event: { preventDefault(): void; readonly url?: string }, url?: string): void => {
    // Reloading the one page is how the renderer recovers from an error of its own.
    const target = event.url ?? url;
    if (target === HOME) return;
    event.preventDefault();
    log('a navigation was denied');
  };
  contents.on('will-navigate', stay);
  contents.on('will-redirect', stay);
  // Electron 25 and later.
  (
    contents as unknown as {
      on(name: string, listener: (event: { preventDefault(): void; url?: string }) => void): void;
    }
  ).on('will-frame-navigate', stay);
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('before-input-event', (event, input) => {
    if (!keyAllowed(input)) event.preventDefault();
  });
}

/**
 * The one way in for messages from the page: its main frame, its origin, and a payload that fits
 * its schema.
 */
function listen<T>(channel: string, schema: z.ZodType<T>, handle: (value: T) => void): void {
  ipcMain.on(channel, (event: IpcMainEvent, payload: unknown) => {
    const frame = event.senderFrame;
    const contents = window?.webContents;
    if (
      frame === null ||
      contents === undefined ||
      event.sender !== contents ||
      frame !== contents.mainFrame ||
      originOf(frame.url) !== ORIGIN
    ) {
      log(`${channel}: not from our page, dropped`);
      return;
    }
    const value = schema.safeParse(payload);
    if (!value.success) {
      log(`${channel}: payload breaks the contract, dropped`);
      return;
    }
    handle(value.data);
  });
}

/** `URL.origin` is "null" for schemes Node does not know. */
function originOf(text: string): string | null {
  try {
    const url = new URL(text);
    return `${url.protocol}//${url.host}`;
  } catch {
    return null;
  }
}

function push(snapshot: Snapshot): void {
  beat?.sent(snapshot.revision);
  if (
    window === null ||
    window.isDestroyed() ||
    window.webContents.isDestroyed() ||
    window.webContents.isCrashed()
  )
    return;
  window.webContents.send(CHANNELS.snapshot, snapshot);
}

function openWindow(): void {
  const mine = new BrowserWindow({
    width: demo ? 720 : 1080,
    height: demo ? 1280 : 1920,
    useContentSize: true,
    show: false,
    backgroundColor: '#f3f6fb',
    title: 'Pilotlight',
    autoHideMenuBar: true,
    ...(demo
      ? {}
      : {
          kiosk: true,
          fullscreen: true,
          frame: false,
          closable: false,
          minimizable: false,
          alwaysOnTop: production,
        }),
    webPreferences: {
      preload: path.join(__dirname, 'preload.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      devTools: false,
      disableDialogs: true,
      spellcheck: false,
      navigateOnDragDrop: false,
      backgroundThrottling: false,
      v8CacheOptions: 'bypassHeatCheck',
    },
  });
  window = mine;
  const watch = watchScreen(mine);
  screen = watch;
  const frames = createBeatWatch({ recover: (why) => recover(mine, why), after }, beatMemory);
  beat = frames;
  frames.began();
  mine.once('ready-to-show', watch.sign);
  mine.webContents.on('did-finish-load', watch.sign);
  mine.on('closed', () => {
    watch.stop();
    frames.stop();
    if (window === mine) window = null;
  });
  mine.webContents.on('render-process-gone', (_event, details) => {
    if (details.reason === 'clean-exit') return;
    recover(mine, `renderer gone: ${details.reason}`);
  });
  mine.webContents.on('did-fail-load', (_event, code, description, _url, isMainFrame) => {
    // -3 is a load that another load replaced.
    if (isMainFrame && code !== -3) recover(mine, `page did not load: ${description}`);
  });
  mine.on('unresponsive', () => {
    log('renderer does not answer, ending it');
    // Its end comes back as render-process-gone, which loads the page anew.
    mine.webContents.forcefullyCrashRenderer();
  });
  mine.loadURL(HOME).catch((error: unknown) => log(String(error)));
}

/** For whoever reads the log of a kiosk that shows boxes: which of the bundled letters were loaded. */
async function tellLetters(contents: WebContents): Promise<void> {
  const COUNT = `document.fonts.ready.then(() =>
    [[...document.fonts].filter((f) => f.status === 'loaded').length, document.fonts.size].join(' of '))`;
  const count: unknown = await contents.executeJavaScript(COUNT).catch(() => 'unknown');
  log(`letters loaded: ${String(count)}`);
}

function after(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
}

function watchScreen(mine: BrowserWindow): ScreenWatch {
  const ports: ScreenPorts = {
    show: () => {
      if (!mine.isDestroyed()) mine.show();
    },
    look: async () => ({ bytes: (await mine.webContents.capturePage()).toBitmap() }),
    recover: (why) => recover(mine, why),
    log,
    after,
  };
  return createScreenWatch(ports, screenMemory);
}

/**
 * The ladder: load the page again at once, then with growing waits, then in a new window. The money
 * is in the core and does not notice.
 */
function recover(mine: BrowserWindow, why: string): void {
  if (quitting || mine.isDestroyed()) return;
  const now = Date.now();
  crashes = [...crashes.filter((at) => now - at < CRASH_MEMORY_MS), now];
  const waitMs = reloadDelayMs(crashes.length);
  log(`${why}; loading the page again in ${waitMs} ms`);
  setTimeout(() => {
    if (quitting || mine.isDestroyed()) return;
    if (crashes.length > CRASHES_PER_WINDOW) {
      openWindow();
      mine.destroy();
    } else {
      mine.loadURL(HOME).catch((error: unknown) => log(String(error)));
    }
  }, waitMs);
}
