import { DEVICE_NAMES } from '../device.ts';
import type { Device, DeviceReport } from '../device.ts';
import type { Headphones } from './types.ts';

const reportOf = (headphones: Pick<Headphones, 'plugged' | 'failure'>): DeviceReport => {
  const why = headphones.failure();
  const detail =
    why !== null
      ? { zh: `插孔不可用：${why}`, en: `the jack is not there: ${why}` }
      : headphones.plugged()
        ? { zh: '已插入耳机', en: 'headphones are plugged in' }
        : { zh: '没有插耳机', en: 'no headphones' };
  return {
    state: why === null ? 'online' : 'offline',
    usable: why === null,
    detail,
    advice:
      why === null
        ? null
        : {
            zh: '检查 terminal.json 的 headphones.path 和 input 组权限',
            en: 'check headphones.path in terminal.json, and that the user is in the group input',
          },
    consumables: [],
    lastError: null,
  };
};

/** The jack as a device. Its self-test says what it last told: only a plug shows that it works. */
export function headphonesDevice(
  headphones: Pick<Headphones, 'plugged' | 'failure' | 'onChange'>,
): Device {
  const report = (): DeviceReport => reportOf(headphones);
  return {
    id: 'headphones',
    name: DEVICE_NAMES.headphones,
    report,
    look: () => Promise.resolve(report()),
    selfTest: () => {
      const { usable, detail } = report();
      return Promise.resolve({ ok: usable, detail });
    },
    onChange: headphones.onChange,
  };
}
