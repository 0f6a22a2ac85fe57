import type { Heartbeat } from '../../shared/central-api/index.ts';
import { ERRORS } from '../../shared/errors.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import type { HeardTerminal } from '../fleet/heartbeats.ts';
import { escapeHtml } from '../http/escape.ts';
import { table, time } from './html.ts';

/** So many heartbeats are missing: it has no line, or no power. */
export const SILENT_MS = 300_000;
const LEVELS: Readonly<Record<Heartbeat['level'], string>> = {
  'in-service': '正常',
  degraded: '降级',
  'out-of-service': '停用',
  maintenance: '维护',
};
const STATES: Readonly<Record<Heartbeat['devices'][number]['state'], string>> = {
  online: '正常',
  offline: '离线',
  busy: '忙',
  'hardware-error': '故障',
  'user-error': '需要照看',
  'no-device': '未配置',
};
const PAPER: Readonly<Record<string, string>> = { ample: '充足', low: '不足', empty: '用完' };

/** A code in words; one of a later program as it is. */
const codeOf = (code: string): string =>
  Object.hasOwn(ERRORS, code) ? `${code} ${ERRORS[code as ErrorCode].title.zh}` : code;

/** Nothing was heard of a machine that was heard before, or it serves nobody. */
export const isMissed = (heard: HeardTerminal | null, nowMs: number): boolean =>
  heard !== null && (nowMs - heard.atMs > SILENT_MS || heard.beat?.level === 'out-of-service');

/** How a terminal stood when it was heard last, in a cell. */
export function heardCell(heard: HeardTerminal | null, nowMs: number): string {
  if (heard === null) return '—';
  const { atMs, beat } = heard;
  const silent = nowMs - atMs > SILENT_MS;
  const level = beat === null ? '有心跳' : LEVELS[beat.level];
  const isWell = !silent && (beat === null || beat.level === 'in-service');
  const words = silent ? `失联（最后：${level}）` : level;
  const codes = (beat?.codes ?? []).map((code) => escapeHtml(codeOf(code))).join('<br>');
  return `<span class="tag${isWell ? ' good' : ' warn'}">${words}</span> ${time(atMs)}${codes === '' ? '' : `<div class="why">${codes}</div>`}`;
}

/** The devices of a terminal, as it told them. */
export function devicesTable(beat: Heartbeat): string {
  return table(
    ['设备', '状态', '自', '原因', '耗材'],
    beat.devices.map((d) => [
      escapeHtml(d.device),
      d.usable ? STATES[d.state] : `<span class="tag warn">${STATES[d.state]}</span>`,
      time(d.sinceMs),
      d.lastError === null ? '—' : escapeHtml(codeOf(d.lastError)),
      d.consumables
        .map((c) => `${escapeHtml(c.name)} ${escapeHtml(PAPER[c.level] ?? '未知')}`)
        .join('、') || '—',
    ]),
    '没有设备',
  );
}
