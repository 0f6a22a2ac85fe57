import type { MaintenanceAction } from '../../shared/contract/index.ts';
import type { ErrorText } from '../../shared/errors.ts';
import { both } from './text.ts';

/** What somebody did in maintenance mode, as the log tells it. */
export const ACTS: Readonly<Record<MaintenanceAction, ErrorText>> = {
  'self-test': both('自检', 'a self-test'),
  'verify-journal': both('校验账本', 'a check of the journal'),
  'accept-damage': both('确认恢复结果', 'accepting the restore'),
  'upload-now': both('立即上传', 'an upload'),
  'out-of-service': both('停用本机', 'out of service'),
  'back-in-service': both('恢复服务', 'back in service'),
  'retry-refund': both('重新退款', 'refunding again'),
  'settle-refunded-by-hand': both('已人工退款', 'settled: refunded by hand'),
  'settle-delivered-by-hand': both('已人工补写', 'settled: delivered by hand'),
  'settle-nothing-due': both('无需处理', 'settled: nothing due'),
  'card-lost': both('卡找不回来', 'the card is gone'),
  'print-story': both('打印经过', 'printing a story'),
  'empty-bin': both('收卡箱取出', 'emptying the bin'),
  'print-copy': both('补打凭条', 'printing a copy'),
  'close-shift': both('结班', 'closing the shift'),
  'print-shift': both('补打日结单', 'printing a settlement'),
  export: both('导出到U盘', 'an export'),
  'restart-core': both('重启程序', 'restarting the program'),
  'restart-machine': both('重启机器', 'restarting the machine'),
  'touch-test': both('触摸自检', 'a touch test'),
  volume: both('音量', 'the volume'),
  brightness: both('亮度', 'the brightness'),
  'print-readiness': both('打印状态报告', 'printing a readiness report'),
  'show-readiness': both('看状态报告', 'showing a readiness report'),
};
/** Of these the log also says how they were meant, or what they came to. */
export const TOLD_WITH_DETAIL: ReadonlySet<string> = new Set<MaintenanceAction>([
  'self-test',
  'touch-test',
  'volume',
  'brightness',
  'empty-bin',
  'print-shift',
]);
