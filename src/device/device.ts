import type { DEVICE_STATES } from '../shared/contract/index.ts';
import type { ErrorCode, ErrorText } from '../shared/errors.ts';

/** How a device stands, in the terms of CEN/XFS's device status. */
export type DeviceState = (typeof DEVICE_STATES)[number];

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
}

/** A report with the device that it is about. */
export interface NamedReport extends DeviceReport {
  readonly id: string;
  readonly name: ErrorText;
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
  readonly id: string;
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

  /** @throws Error when two have one id: a defect of whoever filled it */
  constructor(devices: readonly Device[]) {
    this.#devices = devices;
    for (const d of devices)
      if (this.get(d.id) !== d) throw new Error(`two devices are called ${d.id}`);
  }

  [Symbol.iterator](): Iterator<Device> {
    return this.#devices[Symbol.iterator]();
  }

  get(id: string): Device | undefined {
    return this.#devices.find((d) => d.id === id);
  }

  /** What each said last, in order. */
  reports(): readonly NamedReport[] {
    return this.#devices.map((d) => ({ id: d.id, name: d.name, ...d.report() }));
  }
}

/** Is a device of this name there and able to work? */
export const isUsable = (devices: readonly NamedReport[], id: string): boolean =>
  devices.some((d) => d.id === id && d.usable);
/** Is a device of this name configured, whether it works or not? */
export const isFitted = (devices: readonly NamedReport[], id: string): boolean =>
  devices.some((d) => d.id === id && d.state !== 'no-device');
