import type { Intent, MaintenanceAction } from '../../shared/contract/index.ts';
import { maskCardNo } from '../../shared/mask.ts';
import type { Effect, KioskState, Step } from '../state/kiosk.ts';
import type { MaintenanceOp, OpenMode, ReadinessState } from '../state/maintenance.ts';
import type { Now } from '../state/order.ts';
import { mayDo } from './roles.ts';
import { close, fact, nothing, op, putOpen, tell, withBlocked } from './step.ts';

/**
 * What a technician can do. Each action is a fact with his name and reason before its work begins;
 * a word on an order becomes one once the order's rows allow it (run.ts).
 */

type DoIntent = Extract<Intent, { type: 'maintenance-do' }>;

/** An action as it was tapped, with what every one of them has at hand. */
interface Asked {
  readonly state: KioskState;
  readonly mode: OpenMode;
  readonly action: MaintenanceAction;
  /** The technician's reason; empty: he gave none. */
  readonly why: string;
  /** A device or an order; empty: none. */
  readonly target: string;
  /** Number of the paper that settles an order; empty: none. */
  readonly reference: string;
  /** The fact that it was asked for. */
  readonly said: (detail?: string) => Effect;
  readonly now: Now;
}

/** The touch panel among the self-tests. */
export const TOUCH = 'touch';
/** What has a self-test besides the machine's devices. */
const TESTED = /^(line-(wechat|alipay|unionpay|gateway)|service|central|journal|disk|clock)$/;
const hasTest = (state: KioskState, id: string): boolean =>
  TESTED.test(id) || state.service.devices.some((d) => d.id === id);

/** Null: the action is not possible now, or lacks something. */
const ACTIONS: Readonly<Record<MaintenanceAction, (asked: Asked) => Step | null>> = {
  'self-test': ({ state, mode, target, said }) =>
    mode.tests[target]?.state === 'running' || !hasTest(state, target)
      ? null
      : putOpen(
          state,
          mode,
          { tests: { ...mode.tests, [target]: { state: 'running', detail: null } } },
          said(target),
          op({ kind: 'test', device: target }),
        ),
  'verify-journal': ({ state, mode, said }) =>
    mode.verify.state === 'running'
      ? null
      : putOpen(
          state,
          mode,
          { verify: { state: 'running', problems: [], atMs: null } },
          said(),
          op({ kind: 'verify' }),
        ),
  'upload-now': ({ state, mode, said, now }) =>
    putOpen(
      state,
      mode,
      { lookAtMono: now.monoMs, message: tell('已开始上传', 'uploading', now) },
      said(),
      op({ kind: 'upload' }),
    ),
  'accept-damage': ({ state, mode, why, said, now }) =>
    why === ''
      ? null
      : putOpen(
          state,
          mode,
          { lookAtMono: now.monoMs },
          said(),
          op({ kind: 'accept-damage', who: mode.who, why }),
        ),
  'out-of-service': takeOut,
  'back-in-service': ({ state, mode, why, said, now }) => {
    const { maintenance } = state;
    if (why === '' || !maintenance.outOfService) return null;
    const back = withBlocked({ ...state, maintenance: { ...maintenance, outOfService: false } });
    const left = close(back, mode, 'exit', now);
    return { ...left, effects: [said(), op({ kind: 'keep-out', out: false }), ...left.effects] };
  },
  'retry-refund': onOrder,
  'card-lost': onOrder,
  'settle-refunded-by-hand': settleByHand,
  'settle-delivered-by-hand': settleByHand,
  'settle-nothing-due': settleByHand,
  // What he found in the bin is in his hands: their numbers stand in the fact.
  'empty-bin': ({ state, mode, said, now }) => {
    const { cards } = state.bin;
    if (cards.length === 0) return null;
    const numbers = cards.map((c) => (c.cardNo === null ? '?' : maskCardNo(c.cardNo))).join(' ');
    const message = tell('已登记：收卡箱的卡已取出', 'recorded: the bin was emptied', now);
    return putOpen(state, mode, { message }, said(`${cards.length}: ${numbers}`));
  },
  'print-story': onPaper((orderId) => ({ kind: 'print-story', orderId })),
  'print-copy': onPaper((orderId) => ({ kind: 'print-copy', orderId })),
  'print-shift': onPaper((ref) => ({ kind: 'print-shift', ref })),
  // Its fact is the shift's own; whether it may be closed so, its figures say then. The shift that
  // was shown is named: a second tap does not close the next one.
  'close-shift': ({ state, mode, why, target, now }) =>
    target === ''
      ? null
      : putOpen(
          state,
          mode,
          { lookAtMono: now.monoMs },
          op({ kind: 'close-shift', number: target, who: mode.who, why }),
        ),
  export: ({ state, mode, said, now }) =>
    mode.exporting
      ? null
      : putOpen(
          state,
          mode,
          {
            exporting: true,
            message: tell('正在写U盘，不要拔……', 'writing the stick, leave it in …', now),
          },
          said(),
          op({ kind: 'export' }),
        ),
  'restart-core': restart('restart-core', '正在重启程序……', 'restarting the program …'),
  'restart-machine': restart('restart-machine', '正在重启机器……', 'restarting the machine …'),
  'touch-test': touchTested,
  volume: setVolume,
  // Darker than a tenth nobody finds the button that makes it light again: the port sees to it.
  brightness: ({ state, mode, target, said }) => {
    const percent = percentOf(target);
    return percent === null || (mode.machine?.brightness ?? null) === null
      ? null
      : putOpen(state, mode, {}, said(`${percent}%`), op({ kind: 'brightness', percent }));
  },
  'print-readiness': readiness(true),
  'show-readiness': readiness(false),
};

/** What is in flight has its end before either. Nobody restarts without a reason. */
function restart(
  kind: 'restart-core' | 'restart-machine',
  zh: string,
  en: string,
): (asked: Asked) => Step | null {
  return ({ state, mode, why, said, now }) =>
    why === '' || mode.machine === null
      ? null
      : putOpen(state, mode, { message: tell(zh, en, now) }, said(), op({ kind }));
}

/** What the page's own test came to: `118/120`, cells that were touched of all. */
function touchTested({ state, mode, target, said }: Asked): Step | null {
  const [, touched, all] = /^(\d{1,3})\/(\d{1,3})$/.exec(target) ?? [];
  if (touched === undefined || all === undefined || Number(all) === 0) return null;
  const missing = Number(all) - Number(touched);
  if (missing < 0) return null;
  const detail =
    missing === 0
      ? { zh: `${all} 格都有反应`, en: `all ${all} fields answer` }
      : { zh: `${missing} 格没有反应`, en: `${missing} of ${all} fields do not answer` };
  const result = { state: missing === 0 ? 'passed' : 'failed', detail } as const;
  return putOpen(state, mode, { tests: { ...mode.tests, [TOUCH]: result } }, said(target));
}

const percentOf = (target: string): number | null =>
  /^(?:\d{1,2}|100)$/.test(target) ? Number(target) : null;

/** A level in percent, or the policy's; the same once more is a sample only. */
function setVolume({ state, mode, target, said }: Asked): Step | null {
  const level = target === 'policy' ? null : percentOf(target);
  if (level === null && target !== 'policy') return null;
  const samples = mode.samples + 1;
  if (level === state.speakerLevel) return putOpen(state, mode, { samples });
  const words = level === null ? 'policy' : `${level}%`;
  return putOpen(state, mode, { samples }, said(words), op({ kind: 'volume', level }));
}

/** Can this machine be left alone? On paper, or as a code on the screen. */
function readiness(paper: boolean): (asked: Asked) => Step {
  return ({ state, mode, said, now }) => {
    const { service, maintenance } = state;
    const blocked = maintenance.outOfService ? 'MNT-0103' : (maintenance.blocked?.code ?? null);
    const of: ReadinessState = {
      who: mode.who,
      centralUp: service.centralUp,
      clockSkewMs: service.clockSkewMs,
      policyVersion: service.policy?.version ?? null,
      blocked,
    };
    const message = paper ? tell('正在打印……', 'printing …', now) : null;
    return putOpen(state, mode, { message }, said(), op({ kind: 'readiness', paper, of }));
  };
}

/** Something named is printed. */
function onPaper(print: (target: string) => MaintenanceOp): (asked: Asked) => Step | null {
  return ({ state, mode, target, said, now }) =>
    target === ''
      ? null
      : putOpen(
          state,
          mode,
          { message: tell('正在打印……', 'printing …', now) },
          said(target),
          op(print(target)),
        );
}

/** What a technician's tap on an action does. */
export function act(state: KioskState, mode: OpenMode, intent: DoIntent, now: Now): Step {
  const { value: action, why = '', target = '', reference = '' } = intent;
  const { who } = mode;
  const said = (detail = ''): Effect =>
    fact({
      kind: 'maintenance-action',
      orderId: null,
      body: { who, action, why, ...(detail === '' ? {} : { detail }) },
    });
  if (!mayDo(mode.role, action)) return nothing(state);
  const asked: Asked = { state, mode, action, why, target, reference, said, now };
  return ACTIONS[action](asked) ?? nothing(state);
}

function takeOut({ state, mode, why, said, now }: Asked): Step | null {
  if (why === '' || state.maintenance.outOfService) return null;
  const message = tell(
    '本机已停用，退出后保持停用',
    'out of service, and stays so after you leave',
    now,
  );
  const step = putOpen(state, mode, { message }, said(), op({ kind: 'keep-out', out: true }));
  const { maintenance } = step.state;
  return {
    ...step,
    state: withBlocked({ ...step.state, maintenance: { ...maintenance, outOfService: true } }),
  };
}

/** A word on an order: whether it still applies, the order's rows say. */
function onOrder({ state, mode, action, why, target, reference, now }: Asked): Step | null {
  if (why === '' || target === '') return null;
  return putOpen(
    state,
    mode,
    { lookAtMono: now.monoMs },
    op({ kind: 'order', orderId: target, action, who: mode.who, why, reference }),
  );
}

/** What a person settled outside this kiosk has a paper, and its number is kept. */
function settleByHand(asked: Asked): Step | null {
  return asked.reference === '' ? null : onOrder(asked);
}
