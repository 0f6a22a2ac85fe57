import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { shellToCoreSchema } from '../../shared/contract/index.ts';
import type { CoreToShell, Snapshot } from '../../shared/contract/index.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { loadConfig } from '../config.ts';
import { clockOf } from '../demo-clock.ts';
import { stderrLog, systemRandom } from '../ports.ts';
import { composeCore } from './compose.ts';
import type { Core } from './compose.ts';
import { stoppedSnapshot } from './stopped.ts';
import { versionOnDisk } from './version.ts';

/** Exit codes that the shell understands: 78 (EX_CONFIG) is not restarted. */
const EXIT_CONFIG = 78;
const HEARTBEAT_MS = 2_000;
/** How long a bad disk is named on the screen before everything is tried again. */
const DISK_AGAIN_MS = 60_000;
/**
 * A core that is asked to stop finishes what is in flight for so long; after that a cut is as safe
 * as at any time.
 */
const STOP_GRACE_MS = 15_000;

const { values } = parseArgs({
  options: { config: { type: 'string' }, record: { type: 'string' } },
});
/** The environment's word reaches a core that a shell starts. */
const record = values.record ?? process.env['PILOTLIGHT_RECORD'];

function send(message: CoreToShell): void {
  // The shell may die in this instant: `disconnect` says so, and the core ends in its own time. An
  // error without a callback would end it in the middle of whatever it does.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function bail(code: number, f: Failure): never {
  process.stderr.write(`${describeFailure(f)}\n`);
  process.exit(code);
}

if (values.config === undefined) {
  process.stderr.write('usage: core --config terminal.json [--record FOLDER]\n');
  process.exit(EXIT_CONFIG);
}
const loaded = loadConfig(values.config);
if (!loaded.ok) bail(EXIT_CONFIG, loaded.error);
const { config } = loaded.value;
const clock = clockOf(process.env, config.mode);
if (!clock.ok) bail(EXIT_CONFIG, clock.error);

let core: Core | null = null;
let last: Snapshot | null = null;
const onSnapshot = (snapshot: Snapshot): void => {
  last = snapshot;
  send({ type: 'snapshot', snapshot });
};

const version = versionOnDisk() ?? '0';
const composed = composeCore({
  loaded: loaded.value,
  clock: clock.value,
  random: systemRandom,
  log: stderrLog,
  version,
  onSnapshot,
  onFatal: (f) => bail(1, f),
  // The shell starts a core that ended: so it is for the mains, too.
  onMainsBack: () => stop('the mains are back'),
  onRestart: () => stop('maintenance asked for a restart'),
  onClip: (id, wav, isOwn) =>
    send({
      type: 'clip',
      id,
      wav: Buffer.from(wav).toString('base64'),
      ...(isOwn ? { own: true as const } : {}),
    }),
  ...(record === undefined || record === '' ? {} : { record: resolve(record) }),
});
if (composed.ok) {
  core = composed.value;
  // For whoever watches from outside (service manager, the demo's dock); nothing depends on it.
  writeFileSync(join(loaded.value.path(config.dataDir), 'core.pid'), String(process.pid));
} else if (composed.error.code.startsWith('CONF')) {
  bail(EXIT_CONFIG, composed.error);
} else if (composed.error.code === 'JRNL-0101') {
  // Another core may be dying, or the disk coming: the shell tries again.
  bail(1, composed.error);
} else {
  process.stderr.write(`${describeFailure(composed.error)}\n`);
  onSnapshot(stoppedSnapshot(config, composed.error.code, clock.value.nowMs()));
  // A disk may be mounted anew while this stands on the screen.
  if (composed.error.code === 'JRNL-0108') setTimeout(() => process.exit(1), DISK_AGAIN_MS);
}

const heartbeat = setInterval(() => send({ type: 'heartbeat' }), HEARTBEAT_MS);

let stopping = false;
function stop(why: string): void {
  if (stopping) return;
  stopping = true;
  stderrLog('info', 'core', `stopping: ${why}`);
  const began = Date.now();
  const wait = setInterval(() => {
    if (core?.kiosk.inFlight === true && Date.now() - began < STOP_GRACE_MS) return;
    clearInterval(wait);
    clearInterval(heartbeat);
    void (core?.stop() ?? Promise.resolve()).finally(() => process.exit(0));
  }, 50);
}

process.on('message', (raw) => {
  const message = shellToCoreSchema.safeParse(raw);
  if (!message.success) {
    stderrLog('warn', 'core', 'a message of the wrong shape was dropped');
    return;
  }
  switch (message.data.type) {
    case 'hello':
      if (last !== null) send({ type: 'snapshot', snapshot: last });
      return;
    case 'intent':
      core?.kiosk.intent(message.data.intent);
      return;
    case 'shutdown':
      stop('the shell asked');
      return;
  }
});
process.on('disconnect', () => stop('the shell is gone'));
// The log goes through the shell, too: what cannot be said any more must not end the core.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
process.on('SIGTERM', () => stop('SIGTERM'));
process.on('SIGINT', () => stop('SIGINT'));
// A defect: end here, recover from disk.
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.stack ?? String(error)}\n`);
  process.exit(1);
});
process.on('unhandledRejection', (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
