import { z } from 'zod';
import type { DeviceRegistry, NamedReport } from '../../device/device.ts';
import type { Journal } from '../../journal/journal.ts';
import type { EventBody, JournalEvent } from '../../shared/facts/catalogue.ts';
import type { Clock } from '../../shared/ports.ts';

/** What lasts for less is nobody's business: a cable that is touched, a reader that restarts. */
export const SETTLED_MS = 3_000;
/** So many facts of one device in {@link WINDOW_MS}; after that it must have been quiet for long. */
export const MOST = 6;
export const WINDOW_MS = 3_600_000;
export const QUIET_MS = 600_000;

type Changed = EventBody<'device-changed'>;

/** Key of the journal's meta table. */
const STATES = 'device.states';
const statesSchema = z.record(z.string(), z.string());

/** How each device stood when a fact told it last, over restarts too. */
function keptStates(journal: Pick<Journal, 'meta'>): Readonly<Record<string, string>> {
  try {
    return statesSchema.parse(JSON.parse(journal.meta(STATES) ?? '{}'));
  } catch {
    return {};
  }
}

/** After the fact is durable: the next start does not tell it again. */
export function noteDevices(
  journal: Pick<Journal, 'meta' | 'setMeta'>,
  events: readonly JournalEvent[],
): void {
  for (const e of events)
    if (e.kind === 'device-changed')
      journal.setMeta(
        STATES,
        JSON.stringify({ ...keptStates(journal), [e.body.device]: keyOf(e.body) }),
      );
}

/** What makes it worth another fact. */
const keyOf = ({ state, usable, code }: Changed): string =>
  usable ? (code ?? (state === 'online' ? 'well' : state)) : `down ${code ?? ''}`;
const WELL = 'well';

/** What a report tells, of what lasts: one card that does not answer is no matter of the reader's. */
export function changeOf(report: NamedReport): Changed {
  const { id, usable, halts, lastError, consumables } = report;
  const wanting = consumables.some(({ level }) => level === 'low' || level === 'empty');
  const code = halts ?? (usable ? null : lastError);
  const state = usable && code === null ? (wanting ? 'user-error' : 'online') : report.state;
  return { device: id, state, usable, code };
}

export interface DeviceFactsOptions {
  readonly devices: DeviceRegistry;
  readonly journal: Pick<Journal, 'meta'>;
  readonly clock: Clock;
  /** Makes the fact durable. */
  readonly tell: (change: Changed) => void;
}

interface Watched {
  /** As it was told last. */
  told: string;
  /** As it is now, where that is another. */
  now: string;
  /** Changes since the last fact. */
  changes: number;
  /** When facts were told, monotonic. */
  readonly at: number[];
  cancel: () => void;
}

/**
 * Tells each lasting change of a device as a fact: so the journal says when the door was open and
 * the mains were off. A device that flaps writes few of them.
 */
export class DeviceFacts {
  readonly #o: DeviceFactsOptions;
  readonly #watched = new Map<string, Watched>();
  #stopped = false;

  constructor(options: DeviceFactsOptions) {
    this.#o = options;
    const kept = keptStates(options.journal);
    for (const { id } of options.devices) {
      const told = kept[id] ?? WELL;
      this.#watched.set(id, { told, now: told, changes: 0, at: [], cancel: () => undefined });
    }
  }

  /** Something may have changed. */
  look(reports: readonly NamedReport[]): void {
    if (this.#stopped) return;
    for (const report of reports) {
      const watched = this.#watched.get(report.id);
      // Nobody has asked it yet: that it is not usable says nothing.
      if (watched === undefined || isUnasked(report)) continue;
      const key = keyOf(changeOf(report));
      if (key === watched.now) continue;
      watched.now = key;
      watched.changes += 1;
      watched.cancel();
      if (key === watched.told) continue;
      watched.cancel = this.#o.clock.after(this.#waitMs(watched), () => this.#tell(report.id));
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#watched.values()) cancel();
  }

  #waitMs({ at }: Watched): number {
    const since = this.#o.clock.monoMs() - WINDOW_MS;
    while ((at[0] ?? Number.POSITIVE_INFINITY) <= since) at.shift();
    return at.length < MOST ? SETTLED_MS : QUIET_MS;
  }

  #tell(id: string): void {
    const watched = this.#watched.get(id);
    const report = this.#o.devices.reports().find((r) => r.id === id);
    if (this.#stopped || watched === undefined || report === undefined) return;
    const change = changeOf(report);
    if (keyOf(change) === watched.told) return;
    watched.told = keyOf(change);
    watched.now = watched.told;
    watched.at.push(this.#o.clock.monoMs());
    const untold = watched.changes - 1;
    watched.changes = 0;
    this.#o.tell({ ...change, ...(untold > 0 ? { untold } : {}) });
  }
}

/** As a driver begins: it says that it is not usable before anybody asked. */
const isUnasked = ({ usable, lastError, state }: NamedReport): boolean =>
  !usable && lastError === null && state !== 'no-device';
