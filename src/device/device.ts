import type { DEVICE_STATES } from '../shared/contract/index.ts';
import type { ErrorCode, ErrorText } from '../shared/errors.ts';
import type { Clock } from '../shared/ports.ts';

/** How a device stands, in the terms of CEN/XFS's device status. */
export type DeviceState = (typeof DEVICE_STATES)[number];

/**
 * Every kind of device that a machine may have; of each there is one, and the kind is its name.
 * What the machine does without it: `without.ts`.
 */
export const DEVICE_KINDS = [
  'reader',
  'psam',
  'printer',
  'scanner',
  'headphones',
  'speaker',
  'ups',
  'door',
  'lamps',
] as const;
/** See {@link DEVICE_KINDS}. */
export type DeviceKind = (typeof DEVICE_KINDS)[number];

/** What each is called, in lists and in what is told of it later. */
export const DEVICE_NAMES: Readonly<Record<DeviceKind, ErrorText>> = {
  reader: { zh: '读卡器', en: 'Card reader' },
  psam: { zh: 'PSAM 读卡器', en: 'PSAM reader' },
  printer: { zh: '凭条打印机', en: 'Receipt printer' },
  scanner: { zh: '扫码器', en: 'Code scanner' },
  headphones: { zh: '耳机插孔', en: 'Headphone jack' },
  speaker: { zh: '喇叭', en: 'Loudspeaker' },
  ups: { zh: '备用电源', en: 'UPS' },
  door: { zh: '机门', en: 'Door' },
  lamps: { zh: '指示灯和报警', en: 'Lamps and alarm' },
};

/** What lies in a device's path: a card in a reader, a slip that was not taken (XFS: media). */
export type Media = 'none' | 'present' | 'leaving' | 'jammed' | 'unknown';

/** Something that a device uses up. */
export interface Consumable {
  readonly name: ErrorText;
  readonly level: 'ample' | 'low' | 'empty' | 'unknown';
}

/** What a device says of itself, as last heard. */
export interface DeviceReport {
  readonly state: DeviceState;
  /** Can it do its work now? One whose paper is low still prints. */
  readonly usable: boolean;
  readonly detail: ErrorText;
  /** What a person is to do; null: nothing. */
  readonly advice: ErrorText | null;
  readonly consumables: readonly Consumable[];
  readonly lastError: ErrorCode | null;
  /** Left out: it has no path in which anything could lie. */
  readonly media?: Media;
  /**
   * It works, and what it says stops the whole machine: the door is open, the mains are off.
   * Nothing new begins, and what is in flight ends. Left out: nothing of the kind.
   */
  readonly halts?: ErrorCode;
}

/** A report with the device that it is about. */
export interface NamedReport extends DeviceReport {
  readonly id: DeviceKind;
  readonly name: ErrorText;
  /** Since when its state is this one, wall clock; left out: nobody kept it. */
  readonly sinceMs?: number;
}

/** What a self-test showed. `detail` is the evidence: what came back, in how many milliseconds. */
export interface SelfTest {
  readonly ok: boolean;
  readonly detail: ErrorText;
}

/**
 * One device of the machine, whatever its kind: what maintenance, doctor and the service level look
 * at. No call throws.
 */
export interface Device {
  /** Its name in maintenance's list and in facts; stable. */
  readonly id: DeviceKind;
  readonly name: ErrorText;
  /** As last heard; asks nothing. */
  readonly report: () => DeviceReport;
  /** Asks it now. */
  readonly look: () => Promise<DeviceReport>;
  /** Shows that it works, as far as it can without a customer. */
  readonly selfTest: () => Promise<SelfTest>;
  /** Calls back when it says something new by itself; returns an unsubscribe function. */
  readonly onChange: (listener: () => void) => () => void;
}

/** The devices of one machine, in the order in which staff see them. */
export class DeviceRegistry implements Iterable<Device> {
  readonly #devices: readonly Device[];
  readonly #clock: Pick<Clock, 'nowMs'> | null;
  /** How each stood when it was last reported, and since when. */
  readonly #since = new Map<DeviceKind, { readonly state: string; readonly atMs: number }>();

  /**
   * @param clock left out: since when a device stands as it does is not kept
   * @throws Error when two have one id: a defect of whoever filled it
   */
  constructor(devices: readonly Device[], clock?: Pick<Clock, 'nowMs'>) {
    this.#devices = devices;
    this.#clock = clock ?? null;
    for (const d of devices)
      if (this.get(d.id) !== d) throw new Error(`two devices are called ${d.id}`);
  }

  [Symbol.iterator](): Iterator<Device> {
    return this.#devices[Symbol.iterator]();
  }

  /** @param id of a device; anything else is none's */
  get(id: string): Device | undefined {
    return this.#devices.find((d) => d.id === id);
  }

  /** What each said last, in order. */
  reports(): readonly NamedReport[] {
    return this.#devices.map((d) => {
      const report = d.report();
      const sinceMs = this.#sinceOf(d.id, report);
      return { id: d.id, name: d.name, ...report, ...(sinceMs === null ? {} : { sinceMs }) };
    });
  }

  #sinceOf(id: DeviceKind, report: DeviceReport): number | null {
    if (this.#clock === null) return null;
    const state = standing(report);
    const kept = this.#since.get(id);
    if (kept?.state === state) return kept.atMs;
    const atMs = this.#clock.nowMs();
    this.#since.set(id, { state, atMs });
    return atMs;
  }
}

/** What makes a device's state another one; a change of its words or its card does not. */
export const standing = ({ state, usable, halts, lastError }: DeviceReport): string =>
  [state, usable ? 'usable' : 'not usable', halts ?? '', lastError ?? ''].join(' ').trimEnd();

/** Is a device of this name there and able to work? */
export const isUsable = (devices: readonly NamedReport[], id: string): boolean =>
  devices.some((d) => d.id === id && d.usable);
/** Is a device of this name configured, whether it works or not? */
export const isFitted = (devices: readonly NamedReport[], id: string): boolean =>
  devices.some((d) => d.id === id && d.state !== 'no-device');
