import { readinessText } from '../../src/kiosk/maintenance/readiness.ts';
import { storyOf } from '../../src/kiosk/words/facts.ts';
import type { LogLine, LogsView, SystemView } from '../../src/shared/contract/index.ts';
import type { EventBody, EventKind } from '../../src/shared/facts/catalogue.ts';

const ORDER = 'PL-000000000311-1-0042-7391';
const fact = <K extends EventKind>(
  kind: K,
  body: EventBody<K>,
  orderId: string | null = null,
  tone: LogLine['tone'] = 'none',
): Omit<LogLine, 'atMs'> => ({ text: storyOf(kind, body), tone, orderId });

const TOLD: readonly Omit<LogLine, 'atMs'>[] = [
  fact('maintenance-entered', { who: '李工' }),
  fact('maintenance-left', { who: '李工', why: 'restart' }),
  fact('core-started', { version: '0.3.0', node: 'v24.21.0', recoveredOrders: 1 }),
  fact('maintenance-action', { who: '李工', action: 'restart-core', why: '界面或设备反应不正常' }),
  fact('maintenance-action', { who: '李工', action: 'volume', why: '', detail: '40%' }),
  fact('order-parked', { reason: 'refund-refused', nextStep: '' }, ORDER, 'bad'),
  fact(
    'attempt-refunding',
    { attemptId: `${ORDER}/1`, outRefundNo: 'R0000000003110042739101', amountFen: 10_000, why: '' },
    ORDER,
  ),
  fact('order-in-doubt', { failure: { code: 'CARD-0203', detail: '6F00' } }, ORDER, 'wait'),
  fact(
    'attempt-paid',
    { attemptId: `${ORDER}/1`, transactionId: '4200002026112209', amountFen: 10_000, taken: true },
    ORDER,
  ),
  fact(
    'device-changed',
    { device: 'printer', state: 'user-error', usable: false, code: 'DEV-0101' },
    null,
    'bad',
  ),
  fact('slip-printed', { what: 'receipt', ok: true }, ORDER),
  fact('policy-taken', { version: 12 }),
  fact('clock-step', { stepMs: -1_840 }, null, 'wait'),
];

/** The log's tab with some of everything. */
export function logsView(nowMs: number, change: Partial<LogsView> = {}): LogsView {
  return {
    filter: 'all',
    from: '',
    lines: Array.from({ length: 4 }, (_, round) =>
      TOLD.map((line, n) => ({ ...line, atMs: nowMs - (round * TOLD.length + n) * 97_000 })),
    ).flat(),
    older: '1-184100',
    searchingMs: null,
    ...change,
  };
}

/** What the programs warned of, at their longest. */
export function warningsView(nowMs: number): LogsView {
  const said = [
    'device: printer: DEV-0101: no answer within 2000 ms',
    `billing: ${'upload: BILL-0101: connect ECONNREFUSED 10.1.0.7:8443, again in 30 s; '.repeat(4).slice(0, 160)}`,
    'card: CARD-0107: the service is gone',
  ];
  const lines = [...said, ...Array.from({ length: 9 }, () => said[1] ?? '')].map(
    (words, n): LogLine => ({
      atMs: nowMs - n * 611_000,
      text: { zh: words, en: words },
      tone: n === 2 ? 'bad' : 'wait',
      orderId: null,
    }),
  );
  return { filter: 'program', from: '', lines, older: null, searchingMs: null };
}

const MACHINE: NonNullable<SystemView['machine']> = {
  versions: [
    { name: 'Pilotlight', version: '0.3.0' },
    { name: 'Node', version: '24.21.0' },
    { name: 'Debian GNU/Linux 12 (bookworm)', version: '6.1.0-28-amd64' },
  ],
  installed: null,
  uptimeMs: 12 * 86_400_000 + 4 * 3_600_000,
  coreUptimeMs: 3 * 3_600_000 + 12 * 60_000,
  addresses: [
    { name: 'eth0', address: '10.31.4.17' },
    { name: 'wwan0', address: '2408:8456:e220:1a2b:3c4d:5e6f:7788:99aa' },
  ],
  clockKept: true,
  brightness: 80,
};

/** The machine's tab. */
export function systemView(change: Partial<SystemView> = {}): SystemView {
  return {
    machine: MACHINE,
    policyVersion: 12,
    speaker: { level: 40, policy: 60, samples: 0 },
    touch: { state: 'none', detail: null },
    readiness: null,
    ...change,
  };
}

/** The same with everything that wants attention. */
export const troubledSystem = (): SystemView =>
  systemView({
    machine: { ...MACHINE, installed: '0.4.0', clockKept: false },
    speaker: { level: null, policy: null, samples: 0 },
    touch: {
      state: 'failed',
      detail: { zh: '3 格没有反应', en: '3 of 144 fields do not answer' },
    },
  });

const well = (id: 'reader' | 'printer' | 'scanner' | 'ups' | 'door' | 'lamps') =>
  ({
    id,
    name: { zh: id, en: id },
    state: 'online',
    usable: true,
    detail: { zh: '', en: '' },
    advice: null,
    consumables: [],
    lastError: null,
  }) as const;

/** The readiness report as a code on the screen, with every device that there may be. */
export const readinessShown = (nowMs: number): SystemView =>
  systemView({
    readiness: readinessText({
      terminalId: '000000000311',
      site: '中心营业厅 1 号机',
      who: '李工',
      nowMs,
      devices: (['reader', 'printer', 'scanner', 'ups', 'door', 'lamps'] as const).map(well),
      sync: {
        unsentEvents: 37,
        unsentFen: 45_000,
        oldestUnsentMs: null,
        epoch: 1,
        headSeq: 184_220,
        headHash: '',
        freeBytes: 0,
        backupAtMs: null,
        reconciled: null,
        damage: null,
      },
      space: 'ample',
      system: MACHINE,
      centralUp: true,
      clockSkewMs: 212,
      policyVersion: 12,
      blocked: null,
    }),
  });
