import { technicianOf } from '../../card/types.ts';
import type { DeviceView, Intent, Snapshot } from '../../shared/contract/index.ts';
import { failure } from '../../shared/errors.ts';
import type { ErrorText } from '../../shared/errors.ts';
import type { JournalEvent } from '../../shared/facts/catalogue.ts';
import { never } from '../../shared/result.ts';
import { keyIsWrong } from '../delivery/card-refusals.ts';
import type { ReduceContext } from '../state/context.ts';
import type { Effect, KioskEvent, KioskState, ServiceState, Step } from '../state/kiosk.ts';
import { lockMs } from '../state/maintenance.ts';
import type {
  MaintenanceEffect,
  MaintenanceEvent,
  MaintenanceMode,
  MaintenanceOp,
  MaintenanceState,
  OpenMode,
  PinCard,
} from '../state/maintenance.ts';
import type { Now } from '../state/order.ts';
import { visitStep, settleVisit } from '../visit/visit.ts';
import { cardToTake, IDLE } from '../visit/step.ts';
import { SCREEN_MS } from '../visit/times.ts';

/**
 * Maintenance mode: a technician enters by a corner gesture and a PIN, or by his card and its PIN.
 * While it is open nothing is sold and no card is read; orders in the background go on. Pure like
 * the rest: the world is asked by effects (maintenance-run.ts).
 */

/** Without a touch it closes by itself. */
export const IDLE_MS = 180_000;
export const PIN_IDLE_MS = 60_000;
/** The card that opened it is out: so long until it closes. A card that is put back opens it anew. */
export const CARD_OUT_MS = 10_000;
/** What an action came to is told for so long. */
const MESSAGE_MS = 8_000;
/** How often the journal is looked at while the screen is open. */
const LOOK_MS = 2_000;

const op = (o: MaintenanceOp): MaintenanceEffect => ({ do: 'maintenance', op: o });
const fact = (event: JournalEvent): Effect => ({ do: 'journal', events: [event] });
const nothing = (state: KioskState): Step => ({ state, effects: [] });

function put(state: KioskState, change: Partial<MaintenanceState>, ...effects: Effect[]): Step {
  return { state: { ...state, maintenance: { ...state.maintenance, ...change } }, effects };
}
function putOpen(
  state: KioskState,
  mode: OpenMode,
  change: Partial<OpenMode>,
  ...effects: Effect[]
): Step {
  return put(state, { mode: { ...mode, ...change } }, ...effects);
}

/** Taken out of service, nothing is sold whatever else holds. */
export function withBlocked(state: KioskState): KioskState {
  const { outOfService, blocked } = state.maintenance;
  return {
    ...state,
    service: { ...state.service, blocked: outOfService ? failure('MNT-0103') : blocked },
  };
}

/**
 * Maintenance mode's answer to an event; null: the event is not its business. Asked before the
 * orders and the visit.
 */
export function maintenanceStep(
  state: KioskState,
  event: KioskEvent,
  now: ReduceContext,
): Step | null {
  const m = state.maintenance;
  const { mode } = m;
  if (event.type === 'maintenance') return onNews(state, event, now);
  if (event.type === 'intent') return onIntent(state, event.intent, now);
  if (event.type === 'service') {
    if (event.change.blocked === undefined) return null;
    const next: KioskState = {
      ...state,
      service: { ...state.service, ...event.change },
      maintenance: { ...m, blocked: event.change.blocked },
    };
    return nothing(withBlocked(next));
  }
  if (event.type === 'reader') {
    // The card whose PIN is asked for is gone, or not readable any more: nothing is asked.
    if (mode.at === 'pin' && mode.card !== null) {
      if (event.state === 'present' && event.insertion === mode.card.insertion)
        return nothing({ ...state, reader: { ...state.reader, failure: event.failure } });
      return visitStep({ ...state, maintenance: { ...m, mode: { at: 'idle' } } }, event, now);
    }
    // A customer comes first while nobody has shown who he is.
    if (
      mode.at === 'pin' &&
      event.state === 'present' &&
      event.insertion !== state.reader.insertion
    )
      return visitStep({ ...state, maintenance: { ...m, mode: { at: 'idle' } } }, event, now);
    if (mode.at !== 'open') return null;
    // The reader being away says nothing about the card: the idle time still holds.
    const { card } = mode;
    const out =
      card !== null &&
      card.outUntilMono === null &&
      event.state !== 'offline' &&
      (event.insertion !== card.insertion || event.state === 'empty' || event.state === 'leaving');
    const next: KioskState = out
      ? putOpen(state, mode, { card: { ...card, outUntilMono: now.monoMs + CARD_OUT_MS } }).state
      : state;
    return nothing({
      ...next,
      card: null,
      reader: {
        state: event.state,
        insertion: event.insertion,
        failure: event.failure,
        sinceMs: event.state === state.reader.state ? state.reader.sinceMs : now.nowMs,
      },
    });
  }
  if (event.type === 'card-read' && mode.at === 'idle') return onTechnician(state, event, now);
  if (event.type === 'card-read' && mode.at === 'open')
    return nothing({ ...state, cardBusy: false, card: null });
  return null;
}

/**
 * A card was read in a visit that has just begun: a technician's, of one who may enter, asks for
 * his PIN. Null: it is treated like every card.
 */
function onTechnician(
  state: KioskState,
  event: Extract<KioskEvent, { type: 'card-read' }>,
  now: ReduceContext,
): Step | null {
  const m = state.maintenance;
  const { session, reader } = state;
  const technician = technicianOf(event.result);
  if (technician === null) return null;
  const { cardNo, judgedBy } = technician;
  const who = m.enabled ? m.cards.get(cardNo) : undefined;
  if (who === undefined) {
    const step = visitStep(state, event, now);
    return {
      ...step,
      effects: [
        ...step.effects,
        op({ kind: 'log', message: `technician's card ${cardNo} is nobody's here` }),
      ],
    };
  }
  if (
    reader.state !== 'present' ||
    reader.insertion !== event.insertion ||
    session.at !== 'reading' ||
    session.insertion !== event.insertion
  )
    return null;
  const card: PinCard = { insertion: event.insertion, cardNo, who, judgedBy, problem: null };
  return put(
    { ...state, session: IDLE, card: null, cardBusy: false },
    {
      mode: { at: 'pin', wrong: false, check: null, card, deadlineMono: now.monoMs + PIN_IDLE_MS },
    },
  );
}

/** Nothing is asked any more; a card that is inside is to be taken. */
function closePin(state: KioskState, card: PinCard | null, now: Now): Step {
  const take = card !== null && cardToTake(state);
  return put(
    take
      ? {
          ...state,
          session: { at: 'take-card', deadlineMono: now.monoMs + SCREEN_MS['take-card'] },
        }
      : state,
    { mode: { at: 'idle' } },
  );
}

function onIntent(state: KioskState, intent: Intent, now: Now): Step | null {
  const m = state.maintenance;
  const { mode } = m;
  switch (mode.at) {
    case 'idle': {
      if (intent.type !== 'open-maintenance') return null;
      if (!m.enabled)
        return put(
          state,
          {},
          op({ kind: 'log', message: 'the corner was tapped; no maintenance user is configured' }),
        );
      const visit = state.session.at !== 'idle' && state.session.at !== 'cannot-sell';
      if (visit || [...state.orders.values()].some((o) => o.writing))
        return put(state, {}, op({ kind: 'log', message: 'the corner was tapped during a visit' }));
      return put(state, {
        mode: {
          at: 'pin',
          wrong: false,
          check: null,
          card: null,
          deadlineMono: now.monoMs + PIN_IDLE_MS,
        },
      });
    }
    case 'pin': {
      const deadlineMono = now.monoMs + PIN_IDLE_MS;
      if (intent.type === 'exit') return closePin(state, mode.card, now);
      if (intent.type === 'set-locale' || intent.type === 'set-text-size')
        return words({ ...state, maintenance: { ...m, mode: { ...mode, deadlineMono } } }, intent);
      if (intent.type !== 'enter-pin' || mode.check !== null || now.monoMs < m.lockedUntilMono)
        return nothing(state);
      // Nothing that is typed makes such a card good.
      if (mode.card?.problem === 'locked' || mode.card?.problem === 'not-ours')
        return nothing(state);
      const fails = m.fails + 1;
      const ms = lockMs(fails);
      const check = m.checks + 1;
      return put(
        state,
        {
          mode: { ...mode, check, wrong: false, deadlineMono },
          checks: check,
          fails,
          lockedUntilMono: now.monoMs + ms,
        },
        op({ kind: 'check-pin', pin: intent.value, check, fails, lockMs: ms, card: mode.card }),
      );
    }
    case 'open':
      return onOpenIntent(
        { ...state, maintenance: { ...m, mode: { ...mode, deadlineMono: now.monoMs + IDLE_MS } } },
        { ...mode, deadlineMono: now.monoMs + IDLE_MS },
        intent,
        now,
      );
    default:
      return never(mode);
  }
}

function words(
  state: KioskState,
  intent: Extract<Intent, { type: 'set-locale' | 'set-text-size' }>,
): Step {
  return nothing(
    intent.type === 'set-locale'
      ? { ...state, locale: intent.value, plainAtMono: null }
      : { ...state, textSize: intent.value, plainAtMono: null },
  );
}

function onOpenIntent(state: KioskState, mode: OpenMode, intent: Intent, now: Now): Step {
  if (intent.type === 'exit') return leave(state, mode, 'exit', now);
  if (intent.type === 'set-locale' || intent.type === 'set-text-size') return words(state, intent);
  if (intent.type === 'maintenance-tab')
    return putOpen(state, mode, { tab: intent.value, openOrderId: null, lookAtMono: now.monoMs });
  if (intent.type === 'maintenance-order') {
    const openOrderId = intent.value === '' ? null : intent.value;
    return putOpen(
      state,
      mode,
      { openOrderId, message: null, lookAtMono: now.monoMs + LOOK_MS },
      op({ kind: 'look', openOrderId }),
    );
  }
  if (intent.type === 'maintenance-do') return act(state, mode, intent, now);
  // Anything else is a touch, and so more time.
  return nothing(state);
}

function act(
  state: KioskState,
  mode: OpenMode,
  intent: Extract<Intent, { type: 'maintenance-do' }>,
  now: Now,
): Step {
  const { who } = mode;
  const why = intent.why ?? '';
  const target = intent.target ?? '';
  const said = (detail?: string): Effect =>
    fact({
      kind: 'maintenance-action',
      orderId: null,
      body: {
        who,
        action: intent.value,
        why,
        ...(detail === undefined || detail === '' ? {} : { detail }),
      },
    });
  const soon = { lookAtMono: now.monoMs };
  switch (intent.value) {
    case 'self-test':
      if (mode.tests[target]?.state === 'running' || !DEVICE_IDS.test(target))
        return nothing(state);
      return putOpen(
        state,
        mode,
        { tests: { ...mode.tests, [target]: { state: 'running', detail: null } } },
        said(target),
        op({ kind: 'test', device: target }),
      );
    case 'verify-journal':
      if (mode.verify.state === 'running') return nothing(state);
      return putOpen(
        state,
        mode,
        { verify: { state: 'running', problems: [], atMs: null } },
        said(),
        op({ kind: 'verify' }),
      );
    case 'upload-now':
      return putOpen(
        state,
        mode,
        { ...soon, message: tell('已开始上传', 'uploading', now) },
        said(),
        op({ kind: 'upload' }),
      );
    case 'accept-damage':
      if (why === '') return nothing(state);
      return putOpen(state, mode, soon, said(), op({ kind: 'accept-damage', who, why }));
    case 'out-of-service': {
      if (why === '' || state.maintenance.outOfService) return nothing(state);
      const step = putOpen(
        state,
        mode,
        {
          message: tell(
            '本机已停用，退出后保持停用',
            'out of service, and stays so after you leave',
            now,
          ),
        },
        said(),
        op({ kind: 'keep-out', out: true }),
      );
      return {
        ...step,
        state: withBlocked({
          ...step.state,
          maintenance: { ...step.state.maintenance, outOfService: true },
        }),
      };
    }
    case 'back-in-service': {
      if (why === '' || !state.maintenance.outOfService) return nothing(state);
      const back = withBlocked({
        ...state,
        maintenance: { ...state.maintenance, outOfService: false },
      });
      const left = leave(back, mode, 'exit', now);
      return { ...left, effects: [said(), op({ kind: 'keep-out', out: false }), ...left.effects] };
    }
    case 'retry-refund':
    case 'settle-refunded-by-hand':
    case 'settle-delivered-by-hand':
    case 'settle-nothing-due':
    case 'card-lost': {
      const reference = intent.reference ?? '';
      if (
        why === '' ||
        target === '' ||
        (intent.value !== 'retry-refund' && intent.value !== 'card-lost' && reference === '')
      )
        return nothing(state);
      return putOpen(
        state,
        mode,
        soon,
        op({ kind: 'order', orderId: target, action: intent.value, who, why, reference }),
      );
    }
    case 'print-story':
      if (target === '') return nothing(state);
      return putOpen(
        state,
        mode,
        { message: tell('正在打印……', 'printing …', now) },
        said(target),
        op({ kind: 'print-story', orderId: target }),
      );
    default:
      return never(intent.value);
  }
}

function tell(zh: string, en: string, now: Now): OpenMode['message'] {
  return { text: { zh, en }, untilMono: now.monoMs + MESSAGE_MS };
}

function onNews(state: KioskState, event: MaintenanceEvent, now: Now): Step {
  const m = state.maintenance;
  const { mode } = m;
  if (event.news === 'checked') {
    if (event.who === null) {
      const body = {
        fails: m.fails,
        lockedMs: Math.max(0, Math.round(m.lockedUntilMono - now.monoMs)),
        ...(event.card === undefined ? {} : { card: event.card }),
      };
      const next: MaintenanceMode =
        mode.at === 'pin' && mode.check === event.check
          ? {
              ...mode,
              check: null,
              wrong: true,
              card:
                mode.card === null ? null : { ...mode.card, problem: event.card?.why ?? 'wrong' },
              deadlineMono: now.monoMs + PIN_IDLE_MS,
            }
          : mode;
      return put(state, { mode: next }, fact({ kind: 'maintenance-refused', orderId: null, body }));
    }
    const cleared = put(state, { fails: 0, lockedUntilMono: 0 }, op({ kind: 'clear-lock' }));
    // A customer came in between: the right PIN opens nothing any more.
    if (mode.at !== 'pin' || mode.check !== event.check) return cleared;
    const open: OpenMode = {
      at: 'open',
      who: event.who,
      card: mode.card === null ? null : { insertion: mode.card.insertion, outUntilMono: null },
      tab: 'devices',
      openOrderId: null,
      tests: {},
      verify: { state: 'none', problems: [], atMs: null },
      message: null,
      facts: null,
      lookAtMono: now.monoMs + LOOK_MS,
      deadlineMono: now.monoMs + IDLE_MS,
    };
    const entered = put({ ...cleared.state, session: IDLE, card: null }, { mode: open });
    // Known on disk as open before it is so: a kill in between tells one leaving too many, never
    // one too few.
    return {
      state: entered.state,
      effects: [
        ...cleared.effects,
        op({ kind: 'keep-open', who: event.who }),
        fact({
          kind: 'maintenance-entered',
          orderId: null,
          body: { who: event.who, ...(mode.card === null ? {} : { by: 'card' as const }) },
        }),
        op({ kind: 'look', openOrderId: null }),
      ],
    };
  }
  if (mode.at !== 'open') return nothing(state);
  switch (event.news) {
    case 'looked':
      return putOpen(state, mode, { facts: event.facts });
    case 'tested':
      return putOpen(state, mode, {
        tests: {
          ...mode.tests,
          [event.device]: { state: event.ok ? 'passed' : 'failed', detail: event.detail },
        },
      });
    case 'verified':
      return putOpen(state, mode, {
        verify: {
          state: event.ok ? 'ok' : 'failed',
          problems: [...event.problems].slice(0, 10),
          atMs: event.atMs,
        },
        tests: mode.tests,
      });
    case 'decided':
      return putOpen(
        state,
        mode,
        {
          message: { text: event.text, untilMono: now.monoMs + MESSAGE_MS },
          lookAtMono: now.monoMs + LOOK_MS,
        },
        { do: 'journal', events: event.events },
        op({ kind: 'look', openOrderId: mode.openOrderId }),
      );
    case 'told':
      return putOpen(state, mode, {
        message: { text: event.text, untilMono: now.monoMs + MESSAGE_MS },
      });
    default:
      return never(event);
  }
}

/** Closing: the customers' screen again, with whatever card is inside to be taken first. */
function leave(
  state: KioskState,
  mode: OpenMode,
  why: 'exit' | 'idle' | 'card-out',
  now: Now,
): Step {
  const inside = cardToTake(state);
  return put(
    {
      ...state,
      session: inside
        ? { at: 'take-card', deadlineMono: now.monoMs + SCREEN_MS['take-card'] }
        : IDLE,
      card: null,
      locale: 'zh-CN',
      textSize: 'normal',
      plainAtMono: null,
    },
    { mode: { at: 'idle' } },
    fact({ kind: 'maintenance-left', orderId: null, body: { who: mode.who, why } }),
    op({ kind: 'keep-open', who: null }),
  );
}

/** What time does to maintenance mode; to the visit while it is closed. */
export function settleVisitor(
  state: KioskState,
  now: Now,
): Step & { readonly wakeAtMono: number | null } {
  const { mode } = state.maintenance;
  switch (mode.at) {
    case 'idle':
      return settleVisit(state, now);
    case 'pin': {
      if (now.monoMs >= mode.deadlineMono && mode.check === null)
        return { ...closePin(state, mode.card, now), wakeAtMono: now.monoMs };
      const visit = settleVisit(state, now);
      return {
        ...visit,
        wakeAtMono: Math.min(visit.wakeAtMono ?? mode.deadlineMono, mode.deadlineMono),
      };
    }
    case 'open': {
      const outMono = mode.card?.outUntilMono ?? Number.POSITIVE_INFINITY;
      if (now.monoMs >= outMono)
        return { ...leave(state, mode, 'card-out', now), wakeAtMono: now.monoMs };
      if (now.monoMs >= mode.deadlineMono)
        return { ...leave(state, mode, 'idle', now), wakeAtMono: now.monoMs };
      const message =
        mode.message !== null && now.monoMs >= mode.message.untilMono ? null : mode.message;
      const look = now.monoMs >= mode.lookAtMono;
      const lookAtMono = look ? now.monoMs + LOOK_MS : mode.lookAtMono;
      const wakeAtMono = Math.min(
        mode.deadlineMono,
        outMono,
        lookAtMono,
        message?.untilMono ?? mode.deadlineMono,
      );
      if (!look && message === mode.message) return { state, effects: [], wakeAtMono };
      return {
        ...putOpen(
          state,
          mode,
          { message, lookAtMono },
          ...(look ? [op({ kind: 'look', openOrderId: mode.openOrderId })] : []),
        ),
        wakeAtMono,
      };
    }
    default:
      return never(mode);
  }
}

// ---- what is shown ----

type Base = Pick<Snapshot, 'revision' | 'locale' | 'textSize' | 'header' | 'nowMs' | 'demo'>;

/** Maintenance mode's screen; null: the visit's is shown. */
export function maintenanceView(state: KioskState, base: Base, now: Now): Snapshot | null {
  const m = state.maintenance;
  const { mode } = m;
  const wall = (mono: number): number => Math.max(0, Math.round(now.nowMs + (mono - now.monoMs)));
  switch (mode.at) {
    case 'idle':
      return null;
    case 'pin': {
      const busy = mode.check !== null;
      return {
        ...base,
        screen: 'maintenance-pin',
        card:
          mode.card === null
            ? null
            : {
                who: mode.card.who,
                ownPin: mode.card.judgedBy !== null,
                problem: mode.card.problem,
              },
        wrong: mode.wrong,
        busy,
        lockedUntilMs: !busy && m.lockedUntilMono > now.monoMs ? wall(m.lockedUntilMono) : null,
        deadlineMs: busy ? null : wall(mode.deadlineMono),
      };
    }
    case 'open': {
      const { facts } = mode;
      const out = mode.card?.outUntilMono ?? null;
      return {
        ...base,
        screen: 'maintenance',
        who: mode.who,
        tab: mode.tab,
        outOfService: m.outOfService,
        blocked: m.blocked?.code ?? null,
        version: m.version,
        devices: devicesOf(state, mode),
        orders: facts === null ? [] : [...facts.orders],
        openOrderId: mode.openOrderId,
        sync: {
          ...(facts?.sync ?? {
            unsentEvents: 0,
            unsentFen: 0,
            oldestUnsentMs: null,
            epoch: 0,
            headSeq: 0,
            headHash: '',
            freeBytes: 0,
            backupAtMs: null,
            reconciled: null,
            damage: null,
          }),
          centralUp: state.service.centralUp,
          clockSkewMs: state.service.clockSkewMs,
          verify: mode.verify,
        },
        message:
          out === null
            ? (mode.message?.text ?? null)
            : {
                zh: '技术员卡已取出，即将退出维护；再插卡可重新进入',
                en: 'your card is out: maintenance is about to close; put it in again to come back',
              },
        deadlineMs: wall(Math.min(mode.deadlineMono, out ?? mode.deadlineMono)),
      };
    }
    default:
      return never(mode);
  }
}

/** Ids of the devices that have a self-test. */
export const DEVICE_IDS =
  /^(reader|printer|scanner|line-(wechat|alipay|unionpay|gateway)|central|journal|disk|clock)$/;

const PROVIDER_NAMES = {
  wechat: { zh: '微信支付线路', en: 'WeChat Pay line' },
  alipay: { zh: '支付宝线路', en: 'Alipay line' },
  unionpay: { zh: '云闪付线路', en: 'UnionPay line' },
  gateway: { zh: '支付网关线路', en: 'Payment gateway line' },
} as const;

function devicesOf(state: KioskState, mode: OpenMode): DeviceView[] {
  const { service, reader } = state;
  const { facts } = mode;
  const device = (
    id: string,
    name: ErrorText,
    how: DeviceView['state'],
    zh: string,
    en: string,
    more: Partial<Pick<DeviceView, 'lastError' | 'sinceMs'>> = {},
  ): DeviceView => {
    const test = mode.tests[id];
    return {
      id,
      name,
      state: how,
      detail: { zh, en },
      lastError: null,
      sinceMs: null,
      test: test?.state ?? 'none',
      testDetail: test?.detail ?? null,
      ...more,
    };
  };
  const readerName = facts?.readerName ?? '';
  const where = {
    empty: ['卡座空', 'no card'],
    present: ['有卡在内', 'a card is inside'],
    leaving: ['卡在出口，等人取走', 'a card is held out, to be taken'],
    mute: ['卡无应答，请取出', 'the card does not answer: take it out'],
    offline: ['正在重连', 'being rebuilt'],
  }[reader.state];
  const keysRefused = [...state.refusals.keys()].filter((layout) =>
    keyIsWrong(state.refusals, layout),
  );
  const refusedZh =
    keysRefused.length === 0
      ? ''
      : `；${keysRefused.join('、')} 的密钥被两张卡拒绝，已停止对这类卡售气：查密钥后重启`;
  const refusedEn =
    keysRefused.length === 0
      ? ''
      : `; two cards refused the key of ${keysRefused.join(', ')}: nothing is sold to them, check the keys and restart`;
  const skew = service.clockSkewMs;
  const skewText =
    skew === null ? null : `${skew >= 0 ? '+' : '−'}${(Math.abs(skew) / 1000).toFixed(1)}`;
  const skewed =
    skew !== null && service.policy !== null && Math.abs(skew) > service.policy.maxClockSkewMs;
  const journalBad =
    state.maintenance.blocked !== null &&
    /^(JRNL-010[1235-7]|BILL-010[49])$/.test(state.maintenance.blocked.code);
  const gigabytes = facts === null ? '' : `${(facts.sync.freeBytes / 1e9).toFixed(1)} GB`;
  const unsent = facts?.sync.unsentEvents ?? 0;
  return [
    device(
      'reader',
      { zh: '读卡器', en: 'Card reader' },
      reader.state === 'offline'
        ? 'offline'
        : reader.state === 'mute' || keysRefused.length > 0
          ? 'user-error'
          : 'online',
      `${readerName} · ${where[0]}${refusedZh}`,
      `${readerName} · ${where[1]}${refusedEn}`,
      {
        lastError: reader.failure?.code ?? (keysRefused.length > 0 ? 'CARD-0206' : null),
        sinceMs: reader.sinceMs,
      },
    ),
    facts?.hasPrinter === false
      ? device(
          'printer',
          { zh: '凭条打印机', en: 'Receipt printer' },
          'no-device',
          '没有配置打印机',
          'no printer is configured',
        )
      : device(
          'printer',
          { zh: '凭条打印机', en: 'Receipt printer' },
          service.printer.ready && !service.printer.paperLow ? 'online' : 'user-error',
          printerWords(service.printer).zh,
          printerWords(service.printer).en,
          { lastError: service.printer.failure?.code ?? null },
        ),
    ...(service.scannerFitted
      ? [
          device(
            'scanner',
            { zh: '扫码器', en: 'Code scanner' },
            service.scanner ? 'online' : 'offline',
            service.scanner ? '线路通，付款时才看码' : '线路不通，自动重连中',
            service.scanner ? 'ready; looks while paying' : 'its line is down, being reopened',
            { lastError: service.scanner ? null : 'DEV-0201' },
          ),
        ]
      : []),
    ...state.providers.map((kind) =>
      ((up: boolean | null) =>
        device(
          `line-${kind}`,
          PROVIDER_NAMES[kind],
          up === null ? 'busy' : up ? 'online' : 'offline',
          up === null ? '还没有问过' : up ? '线路通' : '线路不通，自动重试中',
          up === null
            ? 'not asked yet'
            : up
              ? 'the line is up'
              : 'the line is down, retrying by itself',
          { lastError: up === false ? 'PAY-0202' : null },
        ))(service.lineUp === null ? null : service.lineUp && !service.linesDown.includes(kind)),
    ),
    device(
      'central',
      { zh: '中心计费接口', en: 'Central billing' },
      service.centralUp === null ? 'busy' : service.centralUp ? 'online' : 'offline',
      service.centralUp === false ? `待上传 ${unsent} 条 · 自动重试中` : `待上传 ${unsent} 条`,
      service.centralUp === false
        ? `${unsent} events wait · retrying by itself`
        : `${unsent} events wait`,
      { lastError: service.centralUp === false ? 'BILL-0101' : null },
    ),
    device(
      'journal',
      { zh: '账本', en: 'Journal' },
      journalBad ? 'hardware-error' : 'online',
      `纪元 ${facts?.sync.epoch ?? 0} · 序号 ${facts?.sync.headSeq ?? 0}`,
      `epoch ${facts?.sync.epoch ?? 0} · sequence ${facts?.sync.headSeq ?? 0}`,
      { lastError: journalBad ? (state.maintenance.blocked?.code ?? null) : null },
    ),
    device(
      'disk',
      { zh: '磁盘', en: 'Disk' },
      facts === null || facts.space === 'ample'
        ? 'online'
        : facts.space === 'low'
          ? 'user-error'
          : 'hardware-error',
      `剩余 ${gigabytes}`,
      `${gigabytes} free`,
      { lastError: facts === null || facts.space === 'ample' ? null : 'JRNL-0104' },
    ),
    device(
      'clock',
      { zh: '时钟', en: 'Clock' },
      skew === null ? 'busy' : skewed ? 'user-error' : 'online',
      skewText === null ? '还没有和中心核对' : `与中心相差 ${skewText} 秒`,
      skewText === null ? 'not compared with central yet' : `${skewText} s from central`,
      { lastError: skewed ? 'CORE-0102' : null },
    ),
  ];
}

function printerWords({ ready, paperLow, failure: f }: ServiceState['printer']): ErrorText {
  if (ready)
    return paperLow
      ? { zh: '就绪，纸快用完，请换纸', en: 'ready; the paper is low: put in a new roll' }
      : { zh: '就绪', en: 'ready' };
  return f === null
    ? { zh: '还没有问过', en: 'not asked yet' }
    : {
        zh: `请检查纸、盖和电源${f.detail === undefined ? '' : `（${f.detail}）`}`,
        en: `check paper, cover and power${f.detail === undefined ? '' : ` (${f.detail})`}`,
      };
}
