import { DEVICE_NAMES } from '../device.ts';
import type { Device, DeviceReport } from '../device.ts';
import type { Scanner } from './types.ts';

const UP: DeviceReport = {
  state: 'online',
  usable: true,
  detail: { zh: '线路通，付款时才看码', en: 'ready; looks while paying' },
  advice: null,
  consumables: [],
  lastError: null,
};
const DOWN: DeviceReport = {
  state: 'offline',
  usable: false,
  detail: { zh: '线路不通，自动重连中', en: 'its line is down, being reopened' },
  advice: {
    zh: '检查扫码器的电缆和电源；没有它仍可扫屏幕上的码付款',
    en: 'check its cable and power; without it the code on the screen can still be paid',
  },
  consumables: [],
  lastError: 'DEV-0201',
};

/**
 * A code scanner as a device. Its self-test speaks of the line only: whether it reads, only a code
 * before it shows.
 *
 * @param scanner null: it types into the shell like a keyboard, and cannot be asked
 */
export function scannerDevice(scanner: Pick<Scanner, 'failure' | 'onChange'> | null): Device {
  const report = (): DeviceReport => (scanner === null || scanner.failure() === null ? UP : DOWN);
  return {
    id: 'scanner',
    name: DEVICE_NAMES.scanner,
    report,
    look: () => Promise.resolve(report()),
    selfTest: () =>
      Promise.resolve(
        report().usable
          ? {
              ok: true,
              detail: {
                zh: '线路通；请在付款页用一个码试读',
                en: 'its line is open; try a code on the pay screen',
              },
            }
          : { ok: false, detail: { zh: 'DEV-0201', en: 'DEV-0201' } },
      ),
    onChange: (listener) => scanner?.onChange(listener) ?? (() => undefined),
  };
}
