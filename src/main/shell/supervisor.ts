import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { coreToShellSchema, PLAIN_ACCESS } from '../../shared/contract/index.ts';
import type { Header, Intent, ShellToCore, Snapshot } from '../../shared/contract/index.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { MAX_OWN_CLIPS } from '../../shared/spoken-text.ts';
import { coreEnvironment } from './core-environment.ts';

/** The exit code with which a core says: my configuration is wrong, starting me again will not help. */
export const EXIT_BAD_CONFIGURATION = 78;

/** So much is kept of the clips that a core makes: half an hour of speech. */
const MAX_CLIP_BYTES = 80_000_000;

/** How the core is started. */
export interface CoreCommand {
  /** The pinned Node 24 binary. */
  readonly nodePath: string;
  /** The core's entry file and its arguments. */
  readonly args: readonly string[];
  /** What it inherits from, left out: this process's; of either only {@link coreEnvironment}. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** Every wait of the supervisor; tests make them small. */
export interface SupervisorTimings {
  /**
   * The first restart comes after this; each further one after twice as long, up to
   * `backOffLastMs`.
   */
  readonly backOffFirstMs: number;
  readonly backOffLastMs: number;
  /** A core that lived this long starts again from `backOffFirstMs`. */
  readonly steadyMs: number;
  /**
   * A core that was started and has said nothing yet is killed after this. It opens its journal
   * before it speaks, in one go; one that is checked or restored after damage is read whole, from a
   * slow disk. Killed half-way it would only begin again, forever.
   */
  readonly startMs: number;
  /** A core that has spoken and says nothing for this long is killed. */
  readonly silenceMs: number;
  /** From `shutdown` to SIGTERM. */
  readonly stopAskMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopTermMs: number;
}

export const DEFAULT_TIMINGS: SupervisorTimings = {
  backOffFirstMs: 250,
  backOffLastMs: 10_000,
  steadyMs: 30_000,
  startMs: 600_000,
  silenceMs: 15_000,
  stopAskMs: 4_000,
  stopTermMs: 3_000,
};

export interface SupervisorOptions {
  readonly core: CoreCommand;
  /** What stands at the top of the screen before any core has ever spoken. */
  readonly header?: Header;
  readonly demo?: boolean;
  readonly log?: (line: string) => void;
  readonly timings?: Partial<SupervisorTimings>;
}

/** waiting: a restart is due · refused: the configuration is wrong, nothing is started any more. */
export type CoreState = 'idle' | 'running' | 'waiting' | 'refused' | 'stopping' | 'stopped';

/** Keeps one core alive and gives the shells their snapshots, also while there is no core. */
export interface CoreSupervisor {
  start(): void;
  /** Asks the core to end, then insists. Safe to call twice. */
  stop(): Promise<void>;
  /** The snapshot to draw now; never absent. */
  current(): Snapshot;
  /** Calls back with every later snapshot; returns how to stop. */
  subscribe(listener: (snapshot: Snapshot) => void): () => void;
  /** Passes an intent on; false when there is no core to take it. */
  send(intent: Intent): boolean;
  state(): CoreState;
  /** A clip of policy's texts by its id; null: the core made none. */
  clip(id: string): Buffer | null;
  /** Process id of the running core. */
  pid(): number | undefined;
  /** How often a core was started. */
  starts(): number;
}

/** Where no visit goes on, nobody has left anything. */
const NOBODYS: ReadonlySet<Snapshot['screen']> = new Set<Snapshot['screen']>([
  'start',
  'maintenance',
  'maintenance-pin',
]);

/**
 * Since when nobody is served, and what whoever stood there may have left in the machine: what the
 * core knew is not to be asked now, so of a visit it is both. Core after core may end: the first
 * end counts.
 */
function sinceThen(
  previous: Snapshot | null,
): Pick<Extract<Snapshot, { screen: 'out-of-service' }>, 'sinceMs' | 'held'> {
  if (previous?.screen === 'out-of-service')
    return { sinceMs: previous.sinceMs ?? Date.now(), held: previous.held };
  const visit = previous !== null && !NOBODYS.has(previous.screen);
  return { sinceMs: Date.now(), held: visit ? ['card', 'money'] : [] };
}

const NO_HEADER: Header = {
  brand: { zh: '自助服务终端', en: 'Self-service terminal' },
  site: { zh: '', en: '' },
  terminalName: { zh: '', en: '' },
  terminalId: '',
  hotline: '',
  panel: null,
};

export function createSupervisor(options: SupervisorOptions): CoreSupervisor {
  const timings: SupervisorTimings = { ...DEFAULT_TIMINGS, ...options.timings };
  const log = options.log ?? ((line: string): void => console.error(line));
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const clips = new Map<string, Buffer>();
  const ownClips = new Map<string, Buffer>();

  let state: CoreState = 'idle';
  let child: ChildProcess | null = null;
  let starts = 0;
  let backOffMs = timings.backOffFirstMs;
  let restartTimer: ReturnType<typeof setTimeout> | undefined;
  let silenceTimer: ReturnType<typeof setTimeout> | undefined;
  let stopped: Promise<void> | null = null;
  let ended: (() => void) | null = null;
  let last: Snapshot = outOfService(null, 'CORE-0101');

  /**
   * Built from the last header and language, one revision on: what was drawn before must not take a
   * tap any more.
   */
  function outOfService(previous: Snapshot | null, reason: ErrorCode): Snapshot {
    return {
      screen: 'out-of-service',
      revision: previous === null ? 0 : previous.revision + 1,
      locale: previous?.locale ?? 'zh-CN',
      access: previous?.access ?? PLAIN_ACCESS,
      ...(previous?.voice === undefined ? {} : { voice: previous.voice }),
      header: previous?.header ?? options.header ?? NO_HEADER,
      nowMs: Date.now(),
      demo: previous?.demo ?? options.demo ?? false,
      reason,
      reference: '',
      nearestSites: previous?.header.nearestSites ?? [],
      ...sinceThen(previous),
    };
  }

  function publish(snapshot: Snapshot): void {
    last = snapshot;
    for (const listener of listeners) listener(snapshot);
  }

  /** The newest ones: an older policy's are not asked for any more, nor what was another person's. */
  function keepClip(id: string, wav: string, isOwn: boolean): void {
    if (isOwn) {
      ownClips.delete(id);
      ownClips.set(id, Buffer.from(wav, 'base64'));
      for (const oldest of ownClips.keys())
        if (ownClips.size > MAX_OWN_CLIPS) ownClips.delete(oldest);
      return;
    }
    clips.delete(id);
    clips.set(id, Buffer.from(wav, 'base64'));
    let bytes = [...clips.values()].reduce((sum, clip) => sum + clip.length, 0);
    for (const [oldest, clip] of clips) {
      if (bytes <= MAX_CLIP_BYTES) break;
      clips.delete(oldest);
      bytes -= clip.length;
    }
  }

  function tell(message: ShellToCore): boolean {
    const to = child;
    if (to === null || !to.connected) return false;
    // A core that dies between the check and the write is noticed by its exit; the error here says
    // nothing more.
    to.send(message, () => undefined);
    return true;
  }

  function watchSilence(mine: ChildProcess, forMs: number, since = ''): void {
    clearTimeout(silenceTimer);
    silenceTimer = setTimeout(() => {
      log(`core ${mine.pid ?? '?'}: silent for ${forMs} ms${since}, killing it`);
      mine.kill('SIGKILL');
    }, forMs);
  }

  function launch(): void {
    restartTimer = undefined;
    starts += 1;
    state = 'running';
    const startedAt = Date.now();
    let mine: ChildProcess;
    try {
      mine = spawn(options.core.nodePath, [...options.core.args], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        serialization: 'json',
        windowsHide: true,
        env: coreEnvironment(options.core.env ?? process.env),
        ...(options.core.cwd === undefined ? {} : { cwd: options.core.cwd }),
      });
    } catch (error) {
      over(`cannot be started: ${String(error)}`, null, startedAt);
      return;
    }
    child = mine;
    watchSilence(mine, timings.startMs, ' since its start');
    let gone = false;
    const finish = (why: string, code: number | null): void => {
      if (gone) return;
      gone = true;
      if (child === mine) child = null;
      over(why, code, startedAt);
    };
    mine.on('message', (raw) => {
      if (gone || child !== mine) return;
      const message = coreToShellSchema.safeParse(raw);
      if (!message.success) {
        log(
          `core: a message breaks the contract and is dropped: ${message.error.issues
            .slice(0, 3)
            .map((i) => `${i.path.join('.')}: ${i.message}`)
            .join('; ')}`,
        );
        return;
      }
      watchSilence(mine, timings.silenceMs);
      if (message.data.type === 'snapshot') publish(message.data.snapshot);
      if (message.data.type === 'clip') {
        const { id, wav, own = false } = message.data;
        keepClip(id, wav, own);
      }
    });
    mine.on('error', (error) => finish(`error: ${error.message}`, null));
    mine.on('exit', (code, signal) =>
      finish(signal === null ? `exit code ${String(code)}` : `signal ${signal}`, code),
    );
    tell({ type: 'hello' });
  }

  function over(why: string, code: number | null, startedAt: number): void {
    clearTimeout(silenceTimer);
    if (state === 'stopping' || state === 'stopped') {
      state = 'stopped';
      ended?.();
      return;
    }
    if (code === EXIT_BAD_CONFIGURATION) {
      state = 'refused';
      log(
        `core: ended with ${why}: the configuration is wrong; not started again until the shell is`,
      );
      publish(outOfService(last, 'CONF-0101'));
      return;
    }
    if (Date.now() - startedAt >= timings.steadyMs) backOffMs = timings.backOffFirstMs;
    log(`core: ended (${why}); starting again in ${backOffMs} ms`);
    state = 'waiting';
    restartTimer = setTimeout(launch, backOffMs);
    backOffMs = Math.min(backOffMs * 2, timings.backOffLastMs);
    publish(outOfService(last, 'CORE-0101'));
  }

  return {
    start() {
      if (state === 'idle') launch();
    },
    stop() {
      stopped ??= new Promise<void>((resolve) => {
        clearTimeout(restartTimer);
        clearTimeout(silenceTimer);
        const mine = child;
        state = mine === null ? 'stopped' : 'stopping';
        if (mine === null) {
          resolve();
          return;
        }
        let killTimer: ReturnType<typeof setTimeout> | undefined;
        const terminate = (): void => {
          mine.kill('SIGTERM');
          killTimer = setTimeout(() => mine.kill('SIGKILL'), timings.stopTermMs);
        };
        const askTimer = tell({ type: 'shutdown' })
          ? setTimeout(terminate, timings.stopAskMs)
          : undefined;
        if (askTimer === undefined) terminate();
        ended = () => {
          clearTimeout(askTimer);
          clearTimeout(killTimer);
          resolve();
        };
      });
      return stopped;
    },
    current: () => last,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    send: (intent) => (state === 'running' ? tell({ type: 'intent', intent }) : false),
    state: () => state,
    clip: (id) => clips.get(id) ?? ownClips.get(id) ?? null,
    pid: () => child?.pid,
    starts: () => starts,
  };
}
