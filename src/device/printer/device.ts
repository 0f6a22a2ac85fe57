import { describeFailure } from '../../shared/errors.ts';
import type { ErrorText } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports.ts';
import { DEVICE_NAMES } from '../device.ts';
import type { Consumable, Device, DeviceReport, DeviceState, SelfTest } from '../device.ts';
import type { Printer, PrinterStatus, PrinterTrouble, SlipLine } from './types.ts';

const PAPER: ErrorText = { zh: '凭条纸', en: 'Receipt paper' };
const paper = (level: Consumable['level']): readonly Consumable[] => [{ name: PAPER, level }];

/** Nobody asked it yet. */
const UNASKED: DeviceReport = {
  state: 'user-error',
  usable: false,
  detail: { zh: '还没有问过', en: 'not asked yet' },
  advice: null,
  consumables: paper('unknown'),
  lastError: null,
};

interface Told {
  readonly state: DeviceState;
  readonly detail: ErrorText;
  readonly advice: ErrorText;
}
const CABLES: ErrorText = {
  zh: '检查电源和电缆；没有凭条本机照常办理',
  en: 'check its power and cable; the kiosk goes on without slips',
};
/** What each trouble means to a person. */
const TROUBLES: Readonly<Record<PrinterTrouble, Told>> = {
  'none-fitted': {
    state: 'no-device',
    detail: { zh: '没有配置打印机', en: 'no printer is configured' },
    advice: {
      zh: '付款前请客户同意用电子凭条；有打印机就在 terminal.json 里配置',
      en: 'customers agree to an e-receipt before they pay; configure a printer if this machine has one',
    },
  },
  'paper-end': {
    state: 'user-error',
    detail: { zh: '没有纸', en: 'no paper' },
    advice: { zh: '换一卷新纸', en: 'put in a new roll' },
  },
  'cover-open': {
    state: 'user-error',
    detail: { zh: '机盖没有关好', en: 'its cover is open' },
    advice: { zh: '关好打印机的盖', en: 'close its cover' },
  },
  held: {
    state: 'user-error',
    detail: { zh: '里面还有上一张没打完的凭条', en: 'an earlier slip is still in it' },
    advice: {
      zh: '取出残纸；还不行就关开一次打印机的电源',
      en: 'take the rest of the paper out; if that does not help, switch it off and on',
    },
  },
  cutter: {
    state: 'hardware-error',
    detail: { zh: '切刀卡住', en: 'its cutter is jammed' },
    advice: {
      zh: '断电，取出卡在切刀里的纸，再通电',
      en: 'switch it off, take the paper out of the cutter, switch it on',
    },
  },
  overheated: {
    state: 'hardware-error',
    detail: { zh: '打印头过热', en: 'its print head is too hot' },
    advice: {
      zh: '等它凉下来会自己恢复；常常这样就检查通风',
      en: 'it goes on once it is cool; look at its ventilation if this is often so',
    },
  },
  error: {
    state: 'hardware-error',
    detail: { zh: '打印机报故障', en: 'it reports an error' },
    advice: { zh: '取出卡住的纸，关开一次电源', en: 'take out jammed paper, switch it off and on' },
  },
  offline: { state: 'offline', detail: { zh: '打印机脱机', en: 'it is offline' }, advice: CABLES },
  silent: {
    state: 'offline',
    detail: { zh: '打印机不应答', en: 'it does not answer' },
    advice: CABLES,
  },
  unreachable: {
    state: 'offline',
    detail: { zh: '连不上打印机', en: 'it cannot be reached' },
    advice: CABLES,
  },
};

/** What its status means to a person. */
export function printerReport({
  ready,
  paperLow,
  trouble,
  failure: f,
}: PrinterStatus): DeviceReport {
  if (ready || trouble === null)
    return {
      state: paperLow ? 'user-error' : 'online',
      usable: true,
      detail: paperLow
        ? { zh: '就绪，纸快用完，请换纸', en: 'ready; the paper is low: put in a new roll' }
        : { zh: '就绪', en: 'ready' },
      advice: paperLow ? { zh: '换一卷新纸', en: 'put in a new roll' } : null,
      consumables: paper(paperLow ? 'low' : 'ample'),
      lastError: null,
    };
  const { state, detail, advice } = TROUBLES[trouble];
  const why = f?.detail === undefined ? '' : ` (${f.detail})`;
  const none = trouble === 'none-fitted';
  return {
    state,
    usable: false,
    detail: none ? detail : { zh: `${detail.zh}${why}`, en: `${detail.en}${why}` },
    advice,
    consumables: none ? [] : paper(trouble === 'paper-end' ? 'empty' : 'unknown'),
    lastError: none ? null : (f?.code ?? null),
  };
}

/** No printer is configured. */
const NONE = printerReport({
  ready: false,
  paperLow: false,
  trouble: 'none-fitted',
  failure: null,
});

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
    name: DEVICE_NAMES.printer,
    report: () => last,
    look: async () => {
      if (printer !== null) last = printerReport(await printer.status());
      return last;
    },
    selfTest,
    // It is only ever asked; a slip that did not come out is an answer too.
    onChange: (listener) =>
      printer?.onStatus((status) => {
        last = printerReport(status);
        listener();
      }) ?? (() => undefined),
  };
}
