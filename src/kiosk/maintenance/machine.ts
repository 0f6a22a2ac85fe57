import { isFitted } from '../../device/device.ts';
import type { DeviceRegistry } from '../../device/device.ts';
import type { Printer } from '../../device/printer/types.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Header, SystemFacts } from '../../shared/contract/index.ts';
import { ERRORS } from '../../shared/errors.ts';
import type { ErrorText, Failure } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { sleep } from '../../shared/ports.ts';
import type { MaintenanceNews, ReadinessState } from '../state/maintenance.ts';
import { syncOf } from './look.ts';
import { readinessSlip, readinessText } from './readiness.ts';
import type { Readiness } from './readiness.ts';
import type { SystemPort } from './system.ts';

/** What {@link MachineRunner} works with. */
export interface MachineOptions {
  /** Null: this kiosk knows nothing of the machine under it. */
  readonly system: SystemPort | null;
  readonly journal: Journal;
  readonly devices: DeviceRegistry;
  readonly printer: Printer;
  readonly header: Omit<Header, 'hotline'>;
  readonly clock: Clock;
  readonly log: LogFn;
  /** Money or a card write is on its way. */
  readonly inFlight: () => boolean;
  readonly tell: (news: MaintenanceNews) => void;
}

/** The system is asked anew, at the most so often. */
const LOOK_EVERY_MS = 4_000;
/** What is in flight has so long to its end before the machine restarts; a cut is as safe then. */
const GRACE_MS = 15_000;
const ASK_AGAIN_MS = 250;

/** `MNT-0301 系统没有照办：…`, with the system's own words where it has any. */
function refusal({ code, detail }: Failure): ErrorText {
  const { title } = ERRORS[code];
  const own = (after: string): string => (detail === undefined ? '' : `${after}${detail}`);
  return {
    zh: `${code} ${title.zh}${own('：')}`,
    en: `${code} ${title.en}${own(': ')}`,
  };
}

/** What maintenance mode does with the machine under the kiosk; each act is on record already. */
export class MachineRunner {
  readonly #o: MachineOptions;
  #lookedMono = -Infinity;
  #seen: SystemFacts | null = null;
  #looking = false;
  #restarting = false;

  constructor(options: MachineOptions) {
    this.#o = options;
  }

  /** The system is looked at, if it is time; what it says is told. `now`: it is time. */
  look(now = false): void {
    const { system, clock, tell } = this.#o;
    if (system === null || this.#looking) return;
    if (!now && clock.monoMs() - this.#lookedMono < LOOK_EVERY_MS) {
      // Somebody else may have come in meanwhile, and knows nothing of it yet.
      if (this.#seen !== null) tell({ news: 'machine', machine: this.#seen });
      return;
    }
    this.#looking = true;
    void system.look().then((machine) => {
      this.#looking = false;
      this.#lookedMono = clock.monoMs();
      this.#seen = machine;
      tell({ news: 'machine', machine });
    });
  }

  setBrightness(percent: number): void {
    const { system, tell } = this.#o;
    void system?.setBrightness(percent).then((set) => {
      if (!set.ok) tell({ news: 'told', text: refusal(set.error) });
      this.look(true);
    });
  }

  restartCore(): void {
    this.#o.system?.restartCore();
  }

  restartMachine(): void {
    if (this.#restarting) return;
    this.#restarting = true;
    void this.#restartMachine().finally(() => (this.#restarting = false));
  }

  async #restartMachine(): Promise<void> {
    const { system, clock, inFlight, log, tell } = this.#o;
    const began = clock.monoMs();
    while (inFlight() && clock.monoMs() - began < GRACE_MS) await sleep(clock, ASK_AGAIN_MS);
    const asked = await system?.restartMachine();
    if (asked === undefined) return;
    if (asked.ok) {
      tell({ news: 'told', text: { zh: '机器正在重启', en: 'the machine restarts' } });
      return;
    }
    log('warn', 'maintenance', `restart refused: ${asked.error.detail ?? ''}`);
    tell({ news: 'told', text: refusal(asked.error) });
  }

  /** Where no paper comes out, the screen has its code. */
  readiness(of: ReadinessState, paper: boolean): void {
    void this.#readiness(of, paper);
  }

  async #readiness(of: ReadinessState, paper: boolean): Promise<void> {
    const { devices, printer, tell } = this.#o;
    const report = await this.#report(of);
    const text = readinessText(report);
    if (!paper) return tell({ news: 'readiness', text, told: null });
    const fitted = isFitted(devices.reports(), 'printer');
    if (fitted && (await printer.print(readinessSlip(report))).ok)
      return tell({ news: 'told', text: { zh: '已打印', en: 'printed' } });
    tell({
      news: 'readiness',
      text,
      told: {
        zh: '没有打出来：请扫屏幕上的码',
        en: 'not printed: scan the code on the screen',
      },
    });
  }

  async #report(of: ReadinessState): Promise<Readiness> {
    const { system, journal, devices, header, clock } = this.#o;
    const facts: SystemFacts | null = system === null ? null : await system.look();
    return {
      ...of,
      terminalId: header.terminalId,
      site: [header.site.zh, header.terminalName.zh].filter((part) => part !== '').join(' '),
      nowMs: clock.nowMs(),
      devices: devices.reports(),
      sync: syncOf(journal, clock.nowMs()),
      space: journal.space(),
      system: facts,
    };
  }
}
