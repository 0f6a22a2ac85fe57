import type { ErrorCode, ErrorText } from '../shared/errors.ts';
import type { DeviceKind } from './device.ts';

/** What the machine does without a device, as customers and staff read it. */
export interface Without {
  /**
   * `out-of-service`: it serves nobody. `degraded`: it serves, and one thing is not to be had.
   * `nothing`: nobody notices.
   */
  readonly effect: 'out-of-service' | 'degraded' | 'nothing';
  /** What cannot be done meanwhile, in staff's words. */
  readonly lost: ErrorText;
  /** Said where the device itself names no reason. */
  readonly code: ErrorCode;
  /** Customers are told on the start screen; staff always are. */
  readonly told?: true;
  /** A machine that has none is without it too: what it does is missed by whoever stands there. */
  readonly missed?: true;
}

/**
 * What the machine does without each kind of device: the one table of it. A device that works and
 * stops the machine by what it says (`DeviceReport.halts`) is another thing.
 */
export const WITHOUT: Readonly<Record<DeviceKind, Without>> = {
  reader: {
    effect: 'out-of-service',
    lost: { zh: '不能读写卡', en: 'no card can be read or written' },
    code: 'CARD-0107',
  },
  psam: {
    effect: 'degraded',
    lost: { zh: '不能给卡充值', en: 'no card can be recharged' },
    code: 'CARD-0107',
  },
  printer: {
    effect: 'degraded',
    lost: {
      zh: '不打凭条，改为电子凭条或拍照',
      en: 'no slips: a receipt on the phone, or a photograph',
    },
    code: 'DEV-0101',
    told: true,
    missed: true,
  },
  scanner: {
    effect: 'degraded',
    lost: {
      zh: '不能扫客户的付款码，可扫屏幕上的码',
      en: 'no payment codes are read; the one on the screen works',
    },
    code: 'DEV-0201',
  },
  headphones: {
    effect: 'degraded',
    lost: { zh: '不能用耳机听', en: 'nobody can listen by headphones' },
    code: 'DEV-0601',
  },
  speaker: {
    effect: 'degraded',
    lost: { zh: '没有语音提示', en: 'nothing is said aloud' },
    code: 'DEV-0501',
  },
  ups: {
    effect: 'degraded',
    lost: { zh: '停电时不能预先停办', en: 'a failing mains is not known before the power goes' },
    code: 'DEV-0301',
  },
  door: {
    effect: 'degraded',
    lost: { zh: '不知道机门是否打开', en: 'nobody knows whether the door is open' },
    code: 'DEV-0402',
  },
  lamps: {
    effect: 'nothing',
    lost: { zh: '指示灯不亮', en: 'the lamps stay dark' },
    code: 'DEV-0403',
  },
};
