import type { DeviceView, ProviderKind } from '../../shared/contract/index.ts';
import { ERRORS } from '../../shared/errors.ts';
import { customersLevel } from '../watch/selling.ts';
import { keysInDoubt } from '../delivery/card-refusals.ts';
import type { KioskState } from '../state/kiosk.ts';
import type { MaintenanceFacts, OpenMode } from '../state/maintenance.ts';

/** One line of the devices' page: how it stands, in both languages. */
interface Line extends Pick<DeviceView, 'id' | 'name' | 'state' | 'detail'> {
  readonly lastError?: DeviceView['lastError'];
  readonly sinceMs?: number;
}
type Facts = MaintenanceFacts | null;

/** Every device as a technician is shown it, with the last self-test of each. */
export function devicesOf(
  state: KioskState,
  { facts, tests }: OpenMode,
  monoMs: number,
): DeviceView[] {
  const lines = [...deviceLines(state, monoMs), ...LINES.flatMap((line) => line(state, facts))];
  return lines.map(({ id, name, state: how, detail, lastError = null, sinceMs = null }) => ({
    id,
    name,
    state: how,
    detail,
    lastError,
    sinceMs,
    test: tests[id]?.state ?? 'none',
    testDetail: tests[id]?.detail ?? null,
  }));
}

/** What else a technician looks at as if it were a device, below the devices themselves. */
const LINES: readonly ((state: KioskState, facts: Facts) => Line | readonly Line[])[] = [
  serviceLine,
  paymentLines,
  centralLine,
  journalLine,
  diskLine,
  clockLine,
];

/** The machine's devices. Of the reader also what several cards said of the keys. */
function deviceLines({ service, reader, refusals }: KioskState, monoMs: number): readonly Line[] {
  const layouts = keysInDoubt(refusals, monoMs);
  return service.devices.map((d) => {
    if (d.id !== 'reader') return d;
    const line = { ...d, sinceMs: reader.sinceMs };
    if (layouts.length === 0) return line;
    const which = layouts.join('、');
    return {
      ...line,
      state: d.state === 'offline' ? d.state : 'user-error',
      detail: {
        zh: `${d.detail.zh}；几张不同的卡刚拒绝了 ${which} 的密钥，这些卡暂不售：若正常的卡也这样，请核对密钥`,
        en: `${d.detail.en}; several cards refused the key of ${layouts.join(', ')} lately and are left alone: check the key if good cards do so too`,
      },
      lastError: d.lastError ?? 'CARD-0201',
    };
  });
}

/** What customers will have, once nobody works on the machine. */
function serviceLine(state: KioskState): Line {
  const now = customersLevel(state);
  const service = { id: 'service', name: { zh: '对客服务', en: 'Service' } };
  if (now.level === 'in-service')
    return { ...service, state: 'online', detail: { zh: '全部可办', en: 'everything is offered' } };
  if (now.level === 'out-of-service') {
    const { title } = ERRORS[now.reason];
    return {
      ...service,
      state: 'hardware-error',
      detail: { zh: `停用：${title.zh}`, en: `out of service: ${title.en}` },
      lastError: now.reason,
    };
  }
  const titles = now.lacks.map(({ code }) => ERRORS[code].title);
  return {
    ...service,
    state: 'user-error',
    detail: {
      zh: `照常办理，但：${titles.map((t) => t.zh).join('、')}`,
      en: `goes on, but: ${titles.map((t) => t.en).join(', ')}`,
    },
  };
}

const PROVIDER_NAMES = {
  wechat: { zh: '微信支付线路', en: 'WeChat Pay line' },
  alipay: { zh: '支付宝线路', en: 'Alipay line' },
  unionpay: { zh: '云闪付线路', en: 'UnionPay line' },
  gateway: { zh: '支付网关线路', en: 'Payment gateway line' },
} as const;

function paymentLines({ providers, service }: KioskState): readonly Line[] {
  return providers.map((kind) =>
    paymentLine(
      kind,
      service.lineUp === null ? null : service.lineUp && !service.linesDown.includes(kind),
    ),
  );
}

function paymentLine(kind: ProviderKind, up: boolean | null): Line {
  const line = { id: `line-${kind}`, name: PROVIDER_NAMES[kind] };
  if (up === null)
    return { ...line, state: 'busy', detail: { zh: '还没有问过', en: 'not asked yet' } };
  return up
    ? { ...line, state: 'online', detail: { zh: '线路通', en: 'the line is up' } }
    : {
        ...line,
        state: 'offline',
        detail: { zh: '线路不通，自动重试中', en: 'the line is down, retrying by itself' },
        lastError: 'PAY-0202',
      };
}

function centralLine({ service: { centralUp } }: KioskState, facts: Facts): Line {
  const unsent = facts?.sync.unsentEvents ?? 0;
  const away = centralUp === false;
  return {
    id: 'central',
    name: { zh: '中心计费接口', en: 'Central billing' },
    state: centralUp === null ? 'busy' : centralUp ? 'online' : 'offline',
    detail: {
      zh: `待上传 ${unsent} 条${away ? ' · 自动重试中' : ''}`,
      en: `${unsent} events wait${away ? ' · retrying by itself' : ''}`,
    },
    lastError: away ? 'BILL-0101' : null,
  };
}

/** What blocks selling and is about the journal itself. */
const JOURNAL_TROUBLE = /^(JRNL-010[1235-7]|BILL-010[49])$/;

function journalLine({ maintenance: { blocked } }: KioskState, facts: Facts): Line {
  const bad = blocked !== null && JOURNAL_TROUBLE.test(blocked.code);
  const { epoch, headSeq } = facts?.sync ?? { epoch: 0, headSeq: 0 };
  return {
    id: 'journal',
    name: { zh: '账本', en: 'Journal' },
    state: bad ? 'hardware-error' : 'online',
    detail: { zh: `纪元 ${epoch} · 序号 ${headSeq}`, en: `epoch ${epoch} · sequence ${headSeq}` },
    lastError: bad ? blocked.code : null,
  };
}

const SPACE = { ample: 'online', low: 'user-error', full: 'hardware-error' } as const;

function diskLine(_state: KioskState, facts: Facts): Line {
  const space = facts?.space ?? 'ample';
  const gigabytes = facts === null ? '' : `${(facts.sync.freeBytes / 1e9).toFixed(1)} GB`;
  return {
    id: 'disk',
    name: { zh: '磁盘', en: 'Disk' },
    state: SPACE[space],
    detail: { zh: `剩余 ${gigabytes}`, en: `${gigabytes} free` },
    lastError: space === 'ample' ? null : 'JRNL-0104',
  };
}

function clockLine({ service: { clockSkewMs, policy } }: KioskState): Line {
  const clock = { id: 'clock', name: { zh: '时钟', en: 'Clock' } };
  if (clockSkewMs === null)
    return {
      ...clock,
      state: 'busy',
      detail: { zh: '还没有和中心核对', en: 'not compared with central yet' },
    };
  const seconds = `${clockSkewMs >= 0 ? '+' : '−'}${(Math.abs(clockSkewMs) / 1000).toFixed(1)}`;
  const skewed = policy !== null && Math.abs(clockSkewMs) > policy.maxClockSkewMs;
  return {
    ...clock,
    state: skewed ? 'user-error' : 'online',
    detail: { zh: `与中心相差 ${seconds} 秒`, en: `${seconds} s from central` },
    lastError: skewed ? 'CORE-0102' : null,
  };
}
