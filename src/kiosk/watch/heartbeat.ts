import type { BillingClient } from '../../billing/types.ts';
import type { NamedReport } from '../../device/device.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Heartbeat } from '../../shared/central-api/index.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import type { ServiceState } from '../state/kiosk.ts';
import type { ServiceLevel } from './selling.ts';

/** Central sees within a minute that a machine has fallen silent, or that its door is open. */
export const BEAT_MS = 60_000;
/** The first one, once the devices have been asked. */
const FIRST_MS = 5_000;

export interface HeartbeatOptions {
  readonly billing: Pick<BillingClient, 'heartbeat'>;
  readonly journal: Pick<Journal, 'freeBytes' | 'unsynced'>;
  readonly clock: Clock;
  readonly log: LogFn;
  readonly version: string;
  readonly level: () => ServiceLevel;
  readonly service: () => Pick<ServiceState, 'devices' | 'clockSkewMs'> &
    Partial<Pick<ServiceState, 'policy'>>;
  /** How often; left out: {@link BEAT_MS}. */
  readonly everyMs?: number;
}

/** How the machine stands now, as central is told it. */
export function beatOf({
  journal,
  clock,
  version,
  level,
  service,
}: Pick<HeartbeatOptions, 'journal' | 'clock' | 'version' | 'level' | 'service'>): Heartbeat {
  const now = level();
  const { devices, clockSkewMs, policy } = service();
  const { events, oldestMs } = journal.unsynced();
  return {
    version,
    atMs: clock.nowMs(),
    level: now.level,
    codes:
      now.level === 'degraded'
        ? now.lacks.map((l) => l.code)
        : now.level === 'out-of-service'
          ? [now.reason]
          : [],
    devices: devices.map(deviceOf),
    freeBytes: Math.max(0, Math.floor(journal.freeBytes())),
    clockSkewMs,
    unsent: { events, oldestMs },
    policyVersion: policy?.version ?? null,
  };
}

const deviceOf = (d: NamedReport): Heartbeat['devices'][number] => ({
  device: d.id,
  state: d.state,
  usable: d.usable,
  sinceMs: d.sinceMs ?? null,
  lastError: d.lastError,
  media: d.media ?? null,
  consumables: d.consumables.map(({ name, level }) => ({ name: name.zh, level })),
});

/**
 * Tells central once a minute how the machine stands. Nothing waits for it and nothing is decided
 * by its answer: a central that does not know of it, or is away, changes nothing here.
 */
export class Heartbeats {
  readonly #o: HeartbeatOptions;
  #cancel: () => void;
  #stopped = false;
  #said = '';

  constructor(options: HeartbeatOptions) {
    this.#o = options;
    this.#cancel = options.clock.after(FIRST_MS, () => void this.#beat());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  async #beat(): Promise<void> {
    const { billing, clock, log, everyMs = BEAT_MS } = this.#o;
    const answer = await billing.heartbeat(beatOf(this.#o));
    if (this.#stopped) return;
    // Each reason once: an old central refuses every one of them.
    const why = answer.ok ? '' : describeFailure(answer.error);
    if (why !== this.#said && why !== '') log('info', 'heartbeat', why);
    this.#said = why;
    this.#cancel = clock.after(everyMs, () => void this.#beat());
  }
}
