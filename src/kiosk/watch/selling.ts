import { DEVICE_KINDS, isFitted, isUsable } from '../../device/device.ts';
import type { NamedReport } from '../../device/device.ts';
import { WITHOUT } from '../../device/without.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import type { KioskState } from '../state/kiosk.ts';

type Devices = { readonly service: Pick<KioskState['service'], 'devices'> };

/** A device says that nothing new may begin: the door is open, the mains are off. Null: none does. */
export function halted({ service }: Devices): ErrorCode | null {
  return service.devices.find((d) => d.halts !== undefined)?.halts ?? null;
}

/** Why the kiosk as a whole cannot serve now; null: it can. */
export function outOfService(state: Pick<KioskState, 'service' | 'reader'>): ErrorCode | null {
  const code = state.service.blocked?.code;
  if (
    code !== undefined &&
    (code.startsWith('JRNL') ||
      code === 'CONF-0103' ||
      code === 'BILL-0104' ||
      code === 'BILL-0109' ||
      code === 'MNT-0103')
  )
    return code;
  // Known sooner from the reader than from its report.
  if (state.reader.state === 'offline') return state.reader.failure?.code ?? WITHOUT.reader.code;
  for (const d of state.service.devices)
    if (d.id !== 'reader' && isWithout(d) && WITHOUT[d.id].effect === 'out-of-service')
      return d.lastError ?? WITHOUT[d.id].code;
  return halted(state);
}

/** Why nothing can be sold now though the kiosk serves; null: selling works. */
export function notSelling(state: Pick<KioskState, 'service'>): ErrorCode | null {
  if (state.service.blocked !== null) return state.service.blocked.code;
  if (state.service.policy === null) return 'SALE-0110';
  if (state.service.lineUp === false) return 'SALE-0111';
  return null;
}

/** The machine is to have this device, and cannot use it. */
const isWithout = (d: NamedReport): boolean => !d.usable && d.state !== 'no-device';

/** One thing that is not to be had, and why. */
export interface Lack {
  readonly code: ErrorCode;
  /** As customers are told on the start screen; null: it is a matter of staff. */
  readonly shown: ErrorCode | null;
}

/** How far the machine serves: on its screens, to staff, and in its heartbeat. */
export type ServiceLevel =
  | { readonly level: 'in-service' }
  | { readonly level: 'degraded'; readonly lacks: readonly Lack[] }
  | { readonly level: 'out-of-service'; readonly reason: ErrorCode }
  /** A technician is at work on it. */
  | { readonly level: 'maintenance' };

/** The service level, from everything that it depends on. Pure. */
export function serviceLevel(
  state: Pick<KioskState, 'service' | 'reader' | 'maintenance'>,
): ServiceLevel {
  return state.maintenance.mode.at === 'open' ? { level: 'maintenance' } : customersLevel(state);
}

/** The same as customers will have it once nobody works on the machine. */
export function customersLevel(
  state: Pick<KioskState, 'service' | 'reader'>,
): Exclude<ServiceLevel, { level: 'maintenance' }> {
  const reason = outOfService(state);
  if (reason !== null) return { level: 'out-of-service', reason };
  const selling = notSelling(state);
  const lacks: Lack[] = [
    ...(selling === null ? [] : [{ code: selling, shown: selling }]),
    ...lackedDevices(state.service.devices),
    ...(state.service.centralUp === false && selling === null
      ? [{ code: 'BILL-0101' as const, shown: 'BILL-0101' as const }]
      : []),
  ];
  return lacks.length === 0 ? { level: 'in-service' } : { level: 'degraded', lacks };
}

/** What the machine goes on without, in the order of {@link WITHOUT}. */
function lackedDevices(devices: readonly NamedReport[]): Lack[] {
  return DEVICE_KINDS.flatMap((kind) => {
    const { effect, code, told = false, missed = false } = WITHOUT[kind];
    if (effect !== 'degraded' || isUsable(devices, kind)) return [];
    const fitted = isFitted(devices, kind);
    if (!fitted && !missed) return [];
    const own = fitted ? devices.find((d) => d.id === kind)?.lastError : null;
    return [{ code: own ?? code, shown: told ? code : null }];
  });
}
