import type { ErrorText } from '../../shared/errors.ts';
import { DEVICE_NAMES } from '../device.ts';
import type { Device, DeviceReport } from '../device.ts';
import type { Lamps, Signal } from './types.ts';

const NAMES: Readonly<Record<Signal, ErrorText>> = {
  card: { zh: '卡口灯', en: 'card lamp' },
  scanner: { zh: '扫码口灯', en: 'scanner lamp' },
  printer: { zh: '凭条口灯', en: 'slip lamp' },
  alarm: { zh: '报警', en: 'alarm' },
};

function reportOf({ failure, fitted }: Lamps): DeviceReport {
  const why = failure();
  const names = (lang: 'zh' | 'en'): string => fitted.map((s) => NAMES[s][lang]).join('、');
  if (why === null)
    return {
      state: 'online',
      usable: true,
      detail: { zh: names('zh'), en: names('en') },
      advice: null,
      consumables: [],
      lastError: null,
    };
  return {
    state: 'offline',
    usable: false,
    detail: { zh: `模块没有应答（${why}）`, en: `the module is silent (${why})` },
    advice: {
      zh: '检查 Modbus 模块的供电、A/B 线、地址、波特率和校验',
      en: 'check the module’s power, lines A and B, its address, the rate and the parity',
    },
    consumables: [],
    lastError: 'DEV-0403',
  };
}

/**
 * Lamps and alarm as a device. Its self-test switches each of them on (the alarm too: a technician
 * who asks for it hears that it sounds) and reads back that it is.
 */
export function lampsDevice(lamps: Lamps): Device {
  const report = (): DeviceReport => reportOf(lamps);
  return {
    id: 'lamps',
    name: DEVICE_NAMES.lamps,
    report,
    look: async () => {
      await lamps.look();
      return report();
    },
    selfTest: async () => {
      const dark: Signal[] = [];
      for (const signal of lamps.fitted) if (!(await lamps.prove(signal))) dark.push(signal);
      const names = (lang: 'zh' | 'en'): string => dark.map((s) => NAMES[s][lang]).join('、');
      return dark.length === 0
        ? {
            ok: true,
            detail: {
              zh: `${lamps.fitted.length} 个输出都接通并读回；请看灯是否亮过`,
              en: `${lamps.fitted.length} outputs were switched and read back; did the lamps light?`,
            },
          }
        : {
            ok: false,
            detail: { zh: `没有接通：${names('zh')}`, en: `not switched: ${names('en')}` },
          };
    },
    onChange: lamps.onChange,
  };
}
