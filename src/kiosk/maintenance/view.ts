import type { Snapshot, SystemView } from '../../shared/contract/index.ts';
import { loudnessAt } from '../../shared/policy-voice.ts';
import { never } from '../../shared/result.ts';
import type { KioskState } from '../state/kiosk.ts';
import { lockNow, wayOf } from '../state/maintenance.ts';
import type { MaintenanceFacts, OpenMode } from '../state/maintenance.ts';
import type { Now } from '../state/order.ts';
import { wallMs } from '../visit/view-base.ts';
import type { Base } from '../visit/view-base.ts';
import { TOUCH } from './actions.ts';
import { devicesOf } from './devices.ts';
import { actionsOf, mayDo, tabsOf } from './roles.ts';

/** Maintenance mode's screen; null: the visit's is shown. */
export function maintenanceView(state: KioskState, base: Base, now: Now): Snapshot | null {
  const m = state.maintenance;
  const { mode } = m;
  switch (mode.at) {
    case 'idle':
      return null;
    case 'pin': {
      const busy = mode.check !== null;
      const { untilMono } = lockNow(m.locks, wayOf(mode.card), now.monoMs);
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
        lockedUntilMs: !busy && untilMono > now.monoMs ? wallMs(now, untilMono) : null,
        deadlineMs: busy ? null : wallMs(now, mode.deadlineMono),
      };
    }
    case 'open':
      return openView(state, mode, base, now);
    default:
      return never(mode);
  }
}

/** What is said before the world was looked at. */
const NOT_LOOKED: MaintenanceFacts['sync'] = {
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
};

const MINUTE_MS = 60_000;
const whole = (ms: number): number => Math.floor(ms / MINUTE_MS) * MINUTE_MS;

function systemOf(state: KioskState, mode: OpenMode, now: Now): SystemView {
  const { machine, tests } = mode;
  const { policy } = state.service;
  return {
    machine:
      machine === null
        ? null
        : {
            ...machine,
            // To the minute: a second more is no new screen.
            uptimeMs: whole(machine.uptimeMs),
            coreUptimeMs: whole(machine.coreUptimeMs),
          },
    policyVersion: policy?.version ?? null,
    speaker: {
      level: state.speakerLevel,
      policy: loudnessAt(policy?.voice, now.nowMs)?.percent ?? null,
      samples: mode.samples,
    },
    touch: tests[TOUCH] ?? { state: 'none', detail: null },
    readiness: mode.readiness,
  };
}

function openView(state: KioskState, mode: OpenMode, base: Base, now: Now): Snapshot {
  const m = state.maintenance;
  const { facts } = mode;
  const out = mode.card?.outUntilMono ?? null;
  return {
    ...base,
    screen: 'maintenance',
    who: mode.who,
    role: mode.role,
    tabs: tabsOf(mode.role),
    may: actionsOf(mode.role),
    tab: mode.tab,
    outOfService: m.outOfService,
    blocked: m.blocked?.code ?? null,
    version: m.version,
    ...(state.bin.cards.length === 0 ? {} : { binCards: state.bin.cards.length }),
    devices: devicesOf(state, mode, now.monoMs),
    orders:
      facts === null
        ? []
        : facts.orders.map((order) => ({
            ...order,
            actions: order.actions.filter((action) => mayDo(mode.role, action)),
          })),
    openOrderId: mode.openOrderId,
    search: mode.search === null ? null : { ...mode.search, more: facts?.more ?? false },
    daybook:
      facts?.daybook == null || mode.tab !== 'daybook'
        ? null
        : { ...facts.daybook, exporting: mode.exporting },
    logs: mode.tab === 'logs' ? (facts?.logs ?? null) : null,
    system: mode.tab === 'system' ? systemOf(state, mode, now) : null,
    sync: {
      ...(facts?.sync ?? NOT_LOOKED),
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
    deadlineMs: wallMs(now, Math.min(mode.deadlineMono, out ?? mode.deadlineMono)),
  };
}
