import type { NamedReport } from '../../device/device.ts';
import type { SlipLine } from '../../device/printer/types.ts';
import type { SystemFacts } from '../../shared/contract/index.ts';
import { formatYuan } from '../../shared/money.ts';
import { chinaTime } from '../../shared/time.ts';
import type { MaintenanceFacts, ReadinessState } from '../state/maintenance.ts';
import { RULE, pair, words } from '../words/slip-base.ts';

/** What a readiness report is made of. */
export interface Readiness extends ReadinessState {
  readonly terminalId: string;
  readonly site: string;
  readonly nowMs: number;
  readonly devices: readonly NamedReport[];
  readonly sync: MaintenanceFacts['sync'];
  readonly space: MaintenanceFacts['space'];
  /** Null: this kiosk knows nothing of the machine under it. */
  readonly system: SystemFacts | null;
}

const STATES: Readonly<Record<NamedReport['state'], string>> = {
  online: '正常',
  offline: '不通',
  busy: '忙',
  'hardware-error': '故障',
  'user-error': '请看',
  'no-device': '没有',
};
const KEPT = { true: '在校时', false: '没有校时', null: '不详' } as const;
const SPACE = { ample: '充足', low: '不多', full: '已满' } as const;

/**
 * The same for a machine to read, in the code at the report's end: a line `key=value` for each, so
 * that whoever collects them needs no program of ours. No personal data.
 */
export function readinessText(r: Readiness): string {
  const ok = r.devices.every((d) => d.usable) && r.blocked === null;
  return [
    `pilotlight-readiness=1`,
    `terminal=${r.terminalId}`,
    `at=${chinaTime(r.nowMs)}`,
    `ready=${ok ? 'yes' : 'no'}`,
    `blocked=${r.blocked ?? ''}`,
    ...(r.system?.versions.slice(0, 1) ?? []).map((v) => `version=${v.version}`),
    `policy=${r.policyVersion ?? ''}`,
    `head=${r.sync.epoch}/${r.sync.headSeq}`,
    `unsent=${r.sync.unsentEvents}`,
    `skew-ms=${r.clockSkewMs ?? ''}`,
    ...r.devices.map((d) => `${d.id}=${d.state}${d.lastError === null ? '' : `,${d.lastError}`}`),
  ].join('\n');
}

/** A report on paper, for the folder of the hall: can this machine be left alone? */
export function readinessSlip(r: Readiness): readonly SlipLine[] {
  const bad = r.devices.filter((d) => !d.usable || d.advice !== null);
  const { sync, system } = r;
  return [
    { kind: 'text', text: '本机状态报告', align: 'center', size: 'double' },
    { kind: 'text', text: r.site, align: 'center' },
    RULE,
    pair('终端', r.terminalId),
    pair('时间', chinaTime(r.nowMs)),
    pair('打印人', r.who),
    pair('能否售', r.blocked === null ? '能' : `不能 ${r.blocked}`),
    RULE,
    ...r.devices.map((d) => pair(d.name.zh, STATES[d.state])),
    ...bad.map((d) => words(`${d.name.zh}：${(d.advice ?? d.detail).zh}`)),
    RULE,
    pair('中心', r.centralUp === null ? '还没有问' : r.centralUp ? '通' : '不通'),
    pair('待上传', `${sync.unsentEvents} 条 ${formatYuan(sync.unsentFen)} 元`),
    pair('账本', `纪元 ${sync.epoch} 序号 ${sync.headSeq}`),
    pair('磁盘', SPACE[r.space]),
    pair('备份', sync.backupAtMs === null ? '还没有' : chinaTime(sync.backupAtMs)),
    pair(
      '时钟',
      r.clockSkewMs === null ? '没有核对' : `差 ${(r.clockSkewMs / 1000).toFixed(1)} 秒`,
    ),
    pair('策略', r.policyVersion === null ? '没有' : `第 ${r.policyVersion} 版`),
    RULE,
    ...(system === null
      ? []
      : [
          ...system.versions.map((v) => pair(v.name, v.version)),
          ...(system.installed === null ? [] : [pair('已装好的新版本', system.installed)]),
          ...system.addresses.map((a) => pair(a.name, a.address)),
          pair('时间服务', KEPT[`${system.clockKept}`]),
          RULE,
        ]),
    { kind: 'qr', text: readinessText(r) },
  ];
}
