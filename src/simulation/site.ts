import { layoutRegistry } from '../card/index.ts';
import type { KeyProvider } from '../card/index.ts';
import { pl4442Layout, plCpuLayout, plPurseLayout } from '../card/index.ts';
import { createBillingClient } from '../billing/client.ts';
import type { AskCentral } from '../card/keys/central.ts';
import { Journal } from '../journal/journal.ts';
import type { JournalStorage } from '../journal/storage.ts';
import { Kiosk } from '../kiosk/kiosk.ts';
import { PERIODS } from '../kiosk/watch/monitor.ts';
import type { Probe } from '../kiosk/watch/monitor.ts';
import type { KioskEvent } from '../kiosk/state/kiosk.ts';
import type { PaymentProvider } from '../payment/types.ts';
import type { HttpSend } from '../shared/http.ts';
import type { Intent, Snapshot } from '../shared/contract/index.ts';
import type { JournalEvent } from '../shared/facts/catalogue.ts';
import type { Clock, KeyId, Random, Signer } from '../shared/ports.ts';
import type { Keyring } from '../shared/signatures.ts';
import { withPayment } from '../main/core/key-payment.ts';
import type { Fitted } from '../main/core/devices.ts';
import { PowerStop } from '../main/core/power-stop.ts';
import { MainsWatch } from '../device/ups/mains.ts';
import { wireCore } from '../main/core/wire.ts';
import type { Wired } from '../main/core/wire.ts';
import { Cabinet } from './cabinet.ts';
import type { Dice } from './dice.ts';
import type { Line } from './net.ts';
import { SitePrinter } from './site-printer.ts';
import { Slot } from './slot.ts';
import type { Life } from './slot.ts';
import { ProcessClock } from './timeline.ts';
import type { Timeline } from './timeline.ts';

/** The power went; what was going on is dropped. */
export class PowerCut extends Error {}

/** A kiosk whose process ends (is dropped) at a cut, instead of ending the simulation. */
class DroppableKiosk extends Kiosk {
  override dispatch(event: KioskEvent): void {
    try {
      super.dispatch(event);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
  }
}

/** The simulation looks less often: virtual hours are full of looking at nothing. */
const SIM_PERIODS: Readonly<Record<Probe, readonly [number, number]>> = {
  ...PERIODS,
  line: [120_000, 5_000],
  central: [60_000, 5_000],
  commands: [30_000, 5_000],
  devices: [600_000, 600_000],
  local: [30_000, 30_000],
  policy: [3_600_000, 5_000],
  upkeep: [7_200_000, 7_200_000],
};

const SIM_HEARTBEAT_MS = 1_800_000;

/** A card in the reader waits for its key meanwhile, as in src/main/core/compose.ts. */
const KEY_TIMEOUT_MS = 4_000;

export interface SiteParts {
  readonly terminalId: string;
  readonly timeline: Timeline;
  readonly dice: Dice;
  readonly storage: JournalStorage;
  readonly payment: Line;
  readonly central: Line;
  readonly terminalSigner: Signer & KeyId;
  readonly policyKeys: Keyring;
  readonly answerKeys: Keyring;
  /** How customers pay here, made anew for each process. */
  readonly providers: (ports: {
    readonly clock: Clock;
    readonly random: Random;
    readonly send: HttpSend;
    readonly timeoutMs: number;
  }) => readonly PaymentProvider[];
  /** The card keys of a process, which may ask central for what it needs of them. */
  readonly keys: (ports: { readonly clock: Clock; readonly ask: AskCentral }) => KeyProvider;
  readonly compressOverBytes: number;
  /** After events became durable, before their effects. */
  readonly onDurable: (events: readonly JournalEvent[]) => void;
  /** A process found its disk so. */
  readonly onOpened: (journal: Journal) => void;
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly onCut: (where: string) => void;
  /** The battery was empty, and the process stopped in order. */
  readonly onStopped: () => void;
  readonly onFatal: (code: string) => void;
  readonly problem: (text: string) => void;
}

/**
 * One machine of a hall: its disk, its slot, its lines; and the process that runs in it, while it
 * has power.
 */
export class Site {
  readonly parts: SiteParts;
  readonly slot: Slot;
  readonly printer: SitePrinter;
  readonly cabinet: Cabinet;
  skewMs = 0;
  /** The power goes at the so-many-th point from now; 0: it does not. */
  cutIn = 0;
  boots = 0;
  snapshot: Snapshot | null = null;
  journal: Journal | null = null;
  #life: { alive: boolean; point: (name: string) => boolean } = { alive: false, point: () => true };
  #wired: Wired | null = null;
  /** Lives as long as there is power, over an orderly stop of the process too. */
  #power: { alive: boolean; readonly end: () => void } | null = null;
  #refused = 0;

  constructor(parts: SiteParts) {
    this.parts = parts;
    const { timeline, dice } = parts;
    this.printer = new SitePrinter(parts.terminalId, parts.problem);
    this.cabinet = new Cabinet(() => timeline.nowMs);
    this.slot = new Slot(
      () => new Promise((done) => void timeline.after(dice.between(1, 25), done)),
    );
  }

  get alive(): boolean {
    return this.#life.alive;
  }
  get wired(): Wired {
    if (this.#wired === null) throw new Error('no process');
    return this.#wired;
  }
  /** Whose the machine is. */
  get terminalId(): string {
    return this.parts.terminalId;
  }

  /** It was stopped in order, and waits for the mains. */
  get stopped(): boolean {
    return !this.#life.alive && this.#power !== null;
  }

  /** The power goes, now. It comes back by itself. */
  die(where: string): void {
    if (!this.#life.alive && this.#power === null) return;
    this.#life.alive = false;
    this.cutIn = 0;
    this.snapshot = null;
    this.#unplug();
    this.#wired?.stop();
    this.parts.onCut(where);
    this.parts.timeline.after(this.parts.dice.between(500, 9_000), () => this.boot());
  }

  #unplug(): void {
    if (this.#power === null) return;
    this.#power.alive = false;
    this.#power.end();
    this.#power = null;
  }

  /** The mains with their UPS, for one process: its end in order, and the start of the next one. */
  #plug(): Pick<Fitted, 'ups' | 'door'> & { readonly watched: (kiosk: Kiosk) => void } {
    const { timeline } = this.parts;
    const { ups, door } = this.cabinet.plugged();
    const power = { alive: true, end: (): void => undefined };
    const clock = new ProcessClock(timeline, power, () => this.skewMs);
    const watch = new MainsWatch({ ups, clock, stopAfterMs: 240_000 });
    const log = (): void => undefined;
    power.end = () => watch.close();
    this.#power = power;
    return {
      ups: { ups, watch },
      door,
      watched: (kiosk) => {
        const stopping = new PowerStop({
          ups,
          watch,
          atRest: () => kiosk.atRest,
          clock,
          log,
          stop: () => {
            this.#stopInOrder();
            return Promise.resolve();
          },
          again: () => this.boot(),
        });
        power.end = () => {
          stopping.close();
          watch.close();
        };
      },
    };
  }

  /** As a core that is asked to: everything is closed, and the process waits. */
  #stopInOrder(): void {
    if (!this.#life.alive) return;
    this.#wired?.stop();
    this.#life.alive = false;
    this.snapshot = null;
    this.cutIn = 0;
    this.journal?.close();
    this.journal = null;
    this.parts.onStopped();
  }

  boot(): void {
    this.#unplug();
    const { parts } = this;
    const { timeline, dice } = parts;
    this.boots += 1;
    this.journal?.close();
    this.journal = null;
    const life: Life = {
      alive: true,
      point: (name) => {
        if (!life.alive) return true;
        if (this.cutIn === 0 || --this.cutIn > 0) return false;
        this.die(name);
        return true;
      },
    };
    this.#life = life;
    const clock = new ProcessClock(timeline, life, () => this.skewMs);
    const opened = Journal.open({
      dataDir: '',
      secondPath: '',
      storage: parts.storage,
      terminalId: parts.terminalId,
      clock,
      random: dice,
      onFatal: (f) => {
        parts.onFatal(f.code);
        this.die('fatal');
      },
    });
    if (!opened.ok) {
      life.alive = false;
      // A disk that fails while it is opened: the shell starts the core again, as often as it
      // takes.
      if (opened.error.code === 'JRNL-0101' && (this.#refused += 1) < 6) {
        timeline.after(dice.between(500, 5_000), () => this.boot());
        return;
      }
      parts.problem(
        `${parts.terminalId}: the journal does not open: ${opened.error.code} ${opened.error.detail ?? ''}`,
      );
      return;
    }
    this.#refused = 0;
    const journal = opened.value;
    this.journal = journal;
    parts.onOpened(journal);
    this.#watch(journal, life);
    const providers = parts.providers({
      clock,
      random: dice,
      send: parts.payment.send(life),
      timeoutMs: 8_000,
    });
    const asking = {
      baseUrl: 'https://central.sim',
      terminalId: parts.terminalId,
      signer: parts.terminalSigner,
      policyKeys: parts.policyKeys,
      answerKeys: parts.answerKeys,
      clock,
      random: dice,
      send: parts.central.send(life),
      compressOverBytes: parts.compressOverBytes,
    };
    const billing = createBillingClient({ ...asking, timeoutMs: 8_000 });
    const keyClient = createBillingClient({ ...asking, timeoutMs: KEY_TIMEOUT_MS });
    const keys = parts.keys({
      clock,
      ask: (request) => keyClient.cardKey(withPayment(journal, request)),
    });
    const { watched, ...fitted } = this.#plug();
    try {
      this.#wired = wireCore({
        clock,
        random: dice,
        journal,
        reader: this.slot.reader(life),
        layouts: layoutRegistry([
          pl4442Layout(keys),
          plCpuLayout(keys),
          plPurseLayout(keys, { terminalId: parts.terminalId, nowMs: () => clock.nowMs() }),
        ]),
        providers,
        // Its own wallets are one merchant's, who collects for all of the town.
        collectsFor: ['house', 'water'],
        scanner: 'keyboard',
        fitted,
        billing,
        printer: this.printer.driver(life, clock),
        header: {
          brand: { zh: '', en: '' },
          site: { zh: '', en: '' },
          terminalName: { zh: '', en: '' },
          terminalId: parts.terminalId,
          panel: null,
        },
        demo: false,
        version: 'simulation',
        log: () => undefined,
        periods: SIM_PERIODS,
        heartbeatMs: SIM_HEARTBEAT_MS,
        makeKiosk: (options) => new DroppableKiosk(options),
        onSnapshot: (snapshot) => {
          if (!life.alive) return;
          this.snapshot = snapshot;
          parts.onSnapshot(snapshot);
        },
      });
      watched(this.#wired.kiosk);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
  }

  /** Every append is a place where the power may go: before it, after it, and between its two disks. */
  #watch(journal: Journal, life: Life): void {
    const append = journal.append.bind(journal);
    journal.append = (events) => {
      if (!life.alive || life.point('append')) throw new PowerCut();
      try {
        append(events);
      } catch (error) {
        // A failed write ends the process; what reached the disk is seen at the next start.
        if (!life.alive) throw new PowerCut();
        throw error;
      }
      if (!life.alive) throw new PowerCut();
      this.parts.onDurable(events);
      if (life.point('appended')) throw new PowerCut();
    };
    const makeRequest = journal.makeRequest.bind(journal);
    journal.makeRequest = (body, sealed) => {
      if (!life.alive || life.point('append')) throw new PowerCut();
      try {
        makeRequest(body, sealed);
      } catch (error) {
        if (!life.alive) throw new PowerCut();
        throw error;
      }
      if (!life.alive || life.point('appended')) throw new PowerCut();
    };
  }

  /** A code in front of the scanner. */
  scan(code: string): void {
    if (this.#life.alive) this.#wired?.kiosk.scanned(code);
  }
  /** A tap on what is shown now. */
  tap(
    type: Intent['type'],
    value?: string | number | boolean,
    more: Readonly<Record<string, unknown>> = {},
  ): void {
    const s = this.snapshot;
    if (s === null || !this.alive) return;
    this.wired.kiosk.intent({
      type,
      screen: s.screen,
      revision: s.revision,
      ...(value === undefined ? {} : { value }),
      ...more,
    } as Intent);
  }
}
