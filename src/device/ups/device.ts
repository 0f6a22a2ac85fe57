import type { ErrorCode, ErrorText } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports.ts';
import { DEVICE_NAMES } from '../device.ts';
import type { Consumable, Device, DeviceReport } from '../device.ts';
import type { Mains, MainsWatch } from './mains.ts';
import type { Ups, UpsStatus } from './types.ts';

/** Below this a battery counts as low: what NUT's drivers take where a UPS names nothing. */
const LOW_PERCENT = 20;
const HALTS: Readonly<Record<Mains, ErrorCode | null>> = {
  on: null,
  battery: 'DEV-0302',
  stop: 'DEV-0303',
};

/** Charge and time, as far as the UPS tells. */
function wordsOf({ mains, chargePercent, runtimeS, said }: UpsStatus): ErrorText {
  const zh = [{ on: '市电正常', battery: '电池供电', unknown: '不知道是否有市电' }[mains]];
  const en = [{ on: 'mains', battery: 'on battery', unknown: 'mains unknown' }[mains]];
  if (chargePercent !== null) {
    zh.push(`电量 ${Math.round(chargePercent)}%`);
    en.push(`charge ${Math.round(chargePercent)}%`);
  }
  if (runtimeS !== null) {
    zh.push(`可用 ${Math.floor(runtimeS / 60)} 分钟`);
    en.push(`lasts ${Math.floor(runtimeS / 60)} min`);
  }
  if (said !== '') {
    zh.push(said);
    en.push(said);
  }
  return { zh: zh.join(' · '), en: en.join(' · ') };
}

const levelOf = ({ chargePercent, low }: UpsStatus): Consumable['level'] =>
  low
    ? 'empty'
    : chargePercent === null
      ? 'unknown'
      : chargePercent < LOW_PERCENT
        ? 'low'
        : 'ample';

/** What its status means to a person, and to the machine. */
export function upsReport(ups: Pick<Ups, 'status' | 'failure'>, mains: Mains): DeviceReport {
  const why = ups.failure();
  const halts = HALTS[mains];
  const halted = halts === null ? {} : { halts };
  if (why !== null)
    return {
      state: 'offline',
      usable: false,
      detail: {
        zh: `没有应答（${why.detail ?? why.code}）`,
        en: `no answer (${why.detail ?? why.code})`,
      },
      advice: {
        zh: '检查 upsd 是否运行、ups.conf 里的名字和数据线；本机照常办理',
        en: 'check that upsd runs, its name in ups.conf and the data cable; the kiosk goes on',
      },
      consumables: [{ name: BATTERY, level: 'unknown' }],
      lastError: why.code,
      ...halted,
    };
  const status = ups.status();
  return {
    state: status.mains !== 'on' || status.replace ? 'user-error' : 'online',
    usable: status.mains !== 'unknown',
    detail: wordsOf(status),
    advice: status.replace ? { zh: '更换 UPS 电池', en: 'change the battery of the UPS' } : null,
    consumables: [{ name: BATTERY, level: levelOf(status) }],
    lastError:
      halts ?? (status.mains === 'unknown' ? 'DEV-0301' : status.replace ? 'DEV-0304' : null),
    ...halted,
  };
}

const BATTERY: ErrorText = { zh: '备用电池', en: 'UPS battery' };

/** The uninterruptible power supply as a device. Its self-test asks it, and shows what it said. */
export function upsDevice(
  ups: Pick<Ups, 'status' | 'failure' | 'look' | 'onChange'>,
  watch: Pick<MainsWatch, 'mains' | 'onChange'>,
  clock: Clock,
): Device {
  const report = (): DeviceReport => upsReport(ups, watch.mains());
  return {
    id: 'ups',
    name: DEVICE_NAMES.ups,
    report,
    look: async () => {
      await ups.look();
      return report();
    },
    selfTest: async () => {
      const began = clock.monoMs();
      await ups.look();
      const ms = Math.round(clock.monoMs() - began);
      const { detail, usable } = report();
      return {
        ok: usable,
        detail: { zh: `${detail.zh}，应答 ${ms} 毫秒`, en: `${detail.en}, answered in ${ms} ms` },
      };
    },
    onChange: (listener) => {
      const off = [ups.onChange(listener), watch.onChange(listener)];
      return () => {
        for (const one of off) one();
      };
    },
  };
}
