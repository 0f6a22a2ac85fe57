import type { Clock } from '../../shared/ports.ts';
import { DEVICE_NAMES } from '../device.ts';
import type { Device, DeviceReport } from '../device.ts';
import type { Door, DoorState } from './types.ts';

/** What its state means to a person, and to the machine. */
const REPORTS: Readonly<Record<DoorState, DeviceReport>> = {
  closed: {
    state: 'online',
    usable: true,
    detail: { zh: '已关好', en: 'closed' },
    advice: null,
    consumables: [],
    lastError: null,
  },
  open: {
    state: 'user-error',
    usable: true,
    detail: { zh: '开着', en: 'open' },
    advice: { zh: '检修完关好机门', en: 'close it when the work is done' },
    consumables: [],
    lastError: 'DEV-0401',
    halts: 'DEV-0401',
  },
  unknown: {
    state: 'offline',
    usable: false,
    detail: { zh: '读不到门磁', en: 'its contact cannot be read' },
    advice: {
      zh: '检查 Modbus 线和输入模块；看一眼机门是否关好，本机照常办理',
      en: 'check the Modbus line and its module, and whether the door is closed; the kiosk goes on',
    },
    consumables: [],
    lastError: 'DEV-0402',
  },
};

/** The machine's door as a device. Its self-test reads the contact. */
export function doorDevice(door: Pick<Door, 'state' | 'look' | 'onChange'>, clock: Clock): Device {
  const report = (): DeviceReport => REPORTS[door.state()];
  return {
    id: 'door',
    name: DEVICE_NAMES.door,
    report,
    look: async () => {
      await door.look();
      return report();
    },
    selfTest: async () => {
      const began = clock.monoMs();
      await door.look();
      const ms = Math.round(clock.monoMs() - began);
      const { usable, detail } = report();
      return {
        ok: usable,
        detail: { zh: `门磁：${detail.zh}，${ms} 毫秒`, en: `the contact: ${detail.en}, ${ms} ms` },
      };
    },
    onChange: door.onChange,
  };
}
