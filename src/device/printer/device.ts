import { describeFailure } from '../../shared/errors.ts';
import type { ErrorText } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports.ts';
import type { Device, DeviceReport, SelfTest } from '../device.ts';
import type { Printer, PrinterStatus, SlipLine } from './types.ts';

const NAME: ErrorText = { zh: '凭条打印机', en: 'Receipt printer' };
const PAPER: ErrorText = { zh: '凭条纸', en: 'Receipt paper' };

/** No printer is configured. */
const NONE: DeviceReport = {
  state: 'no-device',
  usable: false,
  detail: { zh: '没有配置打印机', en: 'no printer is configured' },
  advice: {
    zh: '没有凭条时请客户拍下屏幕；有打印机就在 terminal.json 里配置',
    en: 'customers are asked to photograph the screen; configure a printer if this machine has one',
  },
  consumables: [],
  lastError: null,
};

/** Nobody asked it yet. */
const UNASKED: DeviceReport = {
  state: 'user-error',
  usable: false,
  detail: { zh: '还没有问过', en: 'not asked yet' },
  advice: null,
  consumables: [{ name: PAPER, level: 'unknown' }],
  lastError: null,
};

/** What its status means to a person. */
export function printerReport({ ready, paperLow, failure: f }: PrinterStatus): DeviceReport {
  if (ready)
    return {
      state: paperLow ? 'user-error' : 'online',
      usable: true,
      detail: paperLow
        ? { zh: '就绪，纸快用完，请换纸', en: 'ready; the paper is low: put in a new roll' }
        : { zh: '就绪', en: 'ready' },
      advice: paperLow ? { zh: '换一卷新纸', en: 'put in a new roll' } : null,
      consumables: [{ name: PAPER, level: paperLow ? 'low' : 'ample' }],
      lastError: null,
    };
  if (f === null) return UNASKED;
  const why = f.detail;
  return {
    state: 'user-error',
    usable: false,
    detail: {
      zh: `请检查纸、盖和电源${why === undefined ? '' : `（${why}）`}`,
      en: `check paper, cover and power${why === undefined ? '' : ` (${why})`}`,
    },
    advice: {
      zh: '检查电源、电缆、机盖和纸；没有凭条本机照常办理',
      en: 'check power, cable, cover and paper; the kiosk goes on without slips',
    },
    consumables: [{ name: PAPER, level: 'unknown' }],
    lastError: f.code,
  };
}

/**
 * A receipt printer as a device.
 *
 * @param printer null: none is configured
 * @param testSlip what its self-test prints
 */
export function printerDevice(
  printer: Printer | null,
  clock: Clock,
  testSlip: () => readonly SlipLine[],
): Device {
  let last = printer === null ? NONE : UNASKED;
  const selfTest = async (): Promise<SelfTest> => {
    if (printer === null) return { ok: false, detail: NONE.detail };
    const began = clock.monoMs();
    const printed = await printer.print(testSlip());
    const ms = Math.round(clock.monoMs() - began);
    if (printed.ok)
      return {
        ok: true,
        detail: { zh: `测试凭条已打印，${ms} 毫秒`, en: `the test slip is printed, ${ms} ms` },
      };
    const why = describeFailure(printed.error);
    return { ok: false, detail: { zh: why, en: why } };
  };
  return {
    id: 'printer',
    name: NAME,
    report: () => last,
    look: async () => {
      if (printer !== null) last = printerReport(await printer.status());
      return last;
    },
    selfTest,
    // It is only ever asked.
    onChange: () => () => undefined,
  };
}
