import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { columnsOf, layOut } from '../../../src/device/printer/layout.ts';
import { PRINTER_MODELS } from '../../../src/device/printer/models.ts';
import { actionsOf, mayDo, tabsOf } from '../../../src/kiosk/maintenance/roles.ts';
import type { ProgramLine } from '../../../src/kiosk/maintenance/logs.ts';
import { LOG_LINES, MATTERS } from '../../../src/kiosk/maintenance/logs.ts';
import { readinessSlip, readinessText } from '../../../src/kiosk/maintenance/readiness.ts';
import type { SystemPort } from '../../../src/kiosk/maintenance/system.ts';
import { ACTS } from '../../../src/kiosk/words/acts.ts';
import { rememberingLog } from '../../../src/main/core/log-ring.ts';
import { prompts } from '../../../src/renderer/voice/prompts.ts';
import type { Scene } from '../../../src/renderer/voice/prompts.ts';
import { LOG_FILTERS, LOG_FROM, MAINTENANCE_ACTIONS } from '../../../src/shared/contract/index.ts';
import type {
  Intent,
  LogFilter,
  LogsView,
  MaintenanceAction,
  MaintenanceRole,
  SnapshotOf,
  SystemFacts,
} from '../../../src/shared/contract/index.ts';
import { failure } from '../../../src/shared/errors.ts';
import { EVENTS } from '../../../src/shared/facts/catalogue.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { ManualClock } from '../../support/clock.ts';
import { T0, World } from '../../support/kiosk-world.ts';

const USERS: Readonly<Record<string, readonly [string, MaintenanceRole]>> = {
  '1111': ['王芳', 'staff'],
  '2222': ['李工', 'technician'],
  '3333': ['赵会计', 'auditor'],
};
const FACTS: SystemFacts = {
  versions: [{ name: 'Pilotlight', version: '0.3.0' }],
  installed: '0.4.0',
  uptimeMs: 7_265_000,
  coreUptimeMs: 65_000,
  addresses: [{ name: 'eth0', address: '10.1.2.3' }],
  clockKept: true,
  brightness: 80,
};

let w: World;
let asked: string[];
let seen: SystemFacts;
let answer: Awaited<ReturnType<SystemPort['restartMachine']>>;
let lines: ProgramLine[];
beforeEach(async () => {
  [asked, lines, seen, answer] = [[], [], FACTS, ok(undefined)];
  w = new World();
  w.replaceCard('good', { macKey: '00'.repeat(16) });
  w.maintenance = {
    version: '0.3.0',
    enabled: true,
    checkPin: (pin) => Promise.resolve(USERS[pin]?.[0] ?? null),
    roles: new Map(Object.values(USERS)),
    verify: () => Promise.resolve({ ok: true, problems: [] }),
    scratch: () => Promise.resolve(3),
    uploadNow: () => undefined,
    onChanged: () => undefined,
    maxClockSkewMs: () => 60_000,
    programLines: () => lines,
    system: {
      look: () => Promise.resolve(seen),
      // What was on record when it was asked for, too: the fact comes first.
      restartCore: () => void asked.push(`core after ${w.kinds().at(-1)}`),
      restartMachine: () => {
        asked.push(`machine after ${w.kinds().at(-1)}`);
        return Promise.resolve(answer);
      },
      setBrightness: (percent) => {
        asked.push(`light ${percent}`);
        return Promise.resolve(answer);
      },
    },
  };
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const shown = (): SnapshotOf<'maintenance'> => w.shown('maintenance');
const system = (): NonNullable<SnapshotOf<'maintenance'>['system']> => {
  const view = shown().system;
  if (view === null) throw new Error('another tab');
  return view;
};
const logs = (): LogsView => {
  const view = shown().logs;
  if (view === null) throw new Error('another tab');
  return view;
};
async function enter(pin: string, tab: 'logs' | 'system' | 'orders'): Promise<void> {
  await w.tap('open-maintenance');
  await w.tap('enter-pin', pin);
  await w.tap('maintenance-tab', tab);
  await w.run(250);
}
async function send(what: Pick<Intent, 'type'> & Record<string, unknown>): Promise<void> {
  w.kiosk.intent({ ...what, screen: w.screen, revision: w.snapshot.revision } as Intent);
  await w.run(250);
}
const act = (value: MaintenanceAction, more: { target?: string; why?: string } = {}) =>
  send({ type: 'maintenance-do', value, ...more });
const look = (value: LogFilter, from = '') => send({ type: 'maintenance-log', value, from });
const said = (): string[] => logs().lines.map(({ text }) => text.zh);
/** What was done in maintenance mode, as the journal has it. */
const done = (): (string | undefined)[][] => {
  const { head } = w.journal;
  const from = { before: { epoch: head.epoch, seq: head.seq + 1 } };
  return w.journal
    .readBack(from, new Set(['maintenance-action']), 100, 10_000)
    .facts.map(({ body }) => body as Record<string, string | undefined>)
    .map((b) => [b['who'], b['action'], b['why'], b['detail']])
    .toReversed();
};

describe('roles', () => {
  it('all see both tabs; staff restart the program, a technician the machine, an auditor nothing', () => {
    for (const role of ['staff', 'technician', 'auditor'] as const)
      expect(tabsOf(role)).toEqual(expect.arrayContaining(['logs', 'system']));
    expect([mayDo('staff', 'restart-core'), mayDo('staff', 'restart-machine')]).toEqual([
      true,
      false,
    ]);
    expect(mayDo('technician', 'restart-machine')).toBe(true);
    for (const action of ['restart-core', 'volume', 'brightness', 'touch-test'] as const)
      expect(actionsOf('auditor')).not.toContain(action);
  });

  it('what a role has not is not done, and nothing is without a reason', async () => {
    await enter('3333', 'system');
    await act('restart-core', { why: 'x' });
    await act('volume', { target: '20' });
    await w.tap('exit');
    await enter('1111', 'system');
    await act('restart-machine', { why: 'x' });
    await act('restart-core');
    expect([asked, done(), w.kiosk.speakerLevel]).toEqual([[], [], null]);
  });
});

describe('the machine', () => {
  it('is told with what is installed; its minutes make no new screen each second', async () => {
    await enter('1111', 'system');
    expect(system()).toMatchObject({
      machine: { ...FACTS, uptimeMs: 7_260_000, coreUptimeMs: 60_000 },
      policyVersion: 1,
      speaker: { level: null },
      touch: { state: 'none' },
    });
    await w.run(3_000);
    const { revision } = w.snapshot;
    seen = { ...FACTS, uptimeMs: FACTS.uptimeMs + 12_000 };
    await w.run(12_000);
    expect(w.snapshot.revision).toBe(revision);
  });

  it('who restarts what, and why, is on record before it happens; the system’s no is in its words', async () => {
    await enter('2222', 'system');
    await act('restart-core', { why: '例行重启' });
    answer = err(failure('MNT-0301', 'Access denied'));
    await act('restart-machine', { why: '换了硬件' });
    expect(asked).toEqual(['core after maintenance-action', 'machine after maintenance-action']);
    expect(shown().message?.zh).toBe('MNT-0301 系统没有照办：Access denied');
    expect(done()).toEqual([
      ['李工', 'restart-core', '例行重启', undefined],
      ['李工', 'restart-machine', '换了硬件', undefined],
    ]);
  });

  it('restarts only after a write that goes on has its end, or a quarter of a minute', async () => {
    await enter('2222', 'system');
    let flying = true;
    Object.defineProperty(w.kiosk, 'inFlight', { get: () => flying });
    await act('restart-machine', { why: '换了硬件' });
    await w.run(5_000);
    expect(asked).toEqual([]);
    flying = false;
    await w.run(500);
    expect(asked).toHaveLength(1);
    flying = true;
    await act('restart-machine', { why: '换了硬件' });
    await w.run(16_000);
    expect(asked).toHaveLength(2);
  });

  it('a level is kept and told once; the same once more is a sample only', async () => {
    await enter('1111', 'system');
    await act('volume', { target: '40' });
    await act('volume', { target: '40' });
    await act('volume', { target: '101' });
    expect(system().speaker).toMatchObject({ level: 40, samples: 2 });
    await act('volume', { target: 'policy' });
    expect([w.kiosk.speakerLevel, system().speaker.samples]).toEqual([null, 3]);
    expect(done().map(([, action, , detail]) => [action, detail])).toEqual([
      ['volume', '40%'],
      ['volume', 'policy'],
    ]);
  });

  it('a sample is heard when it is asked for, and not when the tab comes up again', () => {
    const scene = (samples: number | null): Scene => {
      const speaker = { level: null, policy: 60, samples: samples ?? 0 };
      const tab = samples === null ? null : { ...system(), speaker };
      return { snapshot: { ...shown(), system: tab }, hurry: null, touched: true };
    };
    return enter('1111', 'system').then(() => {
      expect(prompts(scene(0), scene(1))?.segments).toEqual([
        { part: { say: 'start.hello' }, again: true },
      ]);
      expect(prompts(scene(1), scene(2))).not.toBeNull();
      expect([prompts(scene(2), scene(2)), prompts(scene(2), scene(null))]).toEqual([null, null]);
    });
  });

  it('light is set only where there is one to set', async () => {
    await enter('2222', 'system');
    await act('brightness', { target: '60' });
    expect(asked).toEqual(['light 60']);
    seen = { ...FACTS, brightness: null };
    await w.run(6_000);
    await act('brightness', { target: '60' });
    expect([asked.length, done().length]).toEqual([1, 1]);
  });

  it('what the touch test came to is on record; nonsense is not', async () => {
    await enter('1111', 'system');
    for (const target of ['145/144', '1/0', 'x', '']) await act('touch-test', { target });
    expect(done()).toEqual([]);
    await act('touch-test', { target: '141/144' });
    expect(system().touch).toMatchObject({ state: 'failed', detail: { zh: '3 格没有反应' } });
    await act('touch-test', { target: '144/144' });
    expect(system().touch.state).toBe('passed');
    expect(done().map(([, , , detail]) => detail)).toEqual(['141/144', '144/144']);
  });
});

describe('the readiness report', () => {
  it('comes out on paper; where none does, its code stands on the screen until it is closed', async () => {
    await enter('3333', 'system');
    await act('print-readiness');
    const slip = w.printed.at(-1) ?? '';
    for (const part of ['本机状态报告', '打印人', '赵会计', '0.4.0', '10.1.2.3'])
      expect(slip).toContain(part);
    expect(system().readiness).toBeNull();
    w.printerOk = false;
    await act('print-readiness');
    expect(shown().message?.zh).toContain('请扫屏幕上的码');
    expect(system().readiness).toMatch(/^pilotlight-readiness=1\nterminal=000000000311\n/);
    await w.tap('maintenance-tab', 'system');
    expect(system().readiness).toBeNull();
    await act('show-readiness');
    expect(system().readiness).toContain('policy=1');
  });

  it('names nobody but who printed it, fits its columns, and says what is amiss', () => {
    const report = {
      terminalId: '000000000311',
      site: '清河路营业厅 1 号机',
      who: '李工',
      nowMs: T0,
      devices: [],
      sync: {
        unsentEvents: 3,
        unsentFen: 12_345,
        oldestUnsentMs: null,
        epoch: 1,
        headSeq: 9,
        headHash: '',
        freeBytes: 1,
        backupAtMs: null,
        reconciled: null,
        damage: null,
      },
      space: 'low',
      system: FACTS,
      centralUp: false,
      clockSkewMs: -2_500,
      policyVersion: null,
      blocked: 'JRNL-0106',
    } as const;
    expect(readinessText(report)).toContain('ready=no\nblocked=JRNL-0106\nversion=0.3.0\n');
    expect(readinessText(report)).not.toContain('李工');
    const rows = layOut(readinessSlip(report), { ...PRINTER_MODELS['generic-58'], columns: 32 });
    const texts = rows.flatMap((row) => (row.kind === 'text' ? [row.text] : []));
    expect(texts.filter((row) => columnsOf(row) > 32)).toEqual([]);
    expect(texts.join('\n')).toMatch(/能否售 +不能 JRNL-0106/);
  });
});

describe('the log', () => {
  it('every kind of fact is found under a filter, every act has its words', () => {
    for (const kind of Object.keys(EVENTS) as (keyof typeof MATTERS)[])
      expect(MATTERS[kind].length, kind).toBeGreaterThan(0);
    expect(Object.keys(ACTS).toSorted()).toEqual([...MAINTENANCE_ACTIONS].toSorted());
    expect(['', '1-20', '2026-11-22'].every((from) => LOG_FROM.test(from))).toBe(true);
    expect(['1', 'x', '1-2-', '-3'].some((from) => LOG_FROM.test(from))).toBe(false);
  });

  it('tells the newest first, by matter, and what is new as it comes; numbers stay masked', async () => {
    await w.toPay('golden');
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    await w.untilScreen('start');
    await enter('2222', 'logs');
    expect(said()[0]).toBe('李工 进入维护');
    expect(said().some((text) => text.startsWith('确认收款'))).toBe(true);
    expect(JSON.stringify(logs())).not.toContain('8800003921');
    for (const filter of LOG_FILTERS) await look(filter);
    await look('money');
    expect(said()[0]).toMatch(/^已写到卡上/);
    await look('people');
    expect(said()).toEqual(['李工 进入维护']);
    w.journal.append([
      { kind: 'policy-taken', orderId: null, body: { version: 7 } },
      { kind: 'maintenance-entered', orderId: null, body: { who: '王芳' } },
    ]);
    await w.run(2_500);
    expect(said()).toEqual(['王芳 进入维护', '李工 进入维护']);
  });

  it('an order’s fact opens that order on its own tab, however old it is', async () => {
    await w.toPay('golden');
    w.pay.pay();
    await w.untilScreen('done');
    await w.remove();
    await w.untilScreen('start');
    await enter('1111', 'logs');
    await look('card');
    const orderId = logs().lines.find((line) => line.orderId !== null)?.orderId ?? '';
    // Not among the orders that are listed.
    w.journal.recentOrders = () => [];
    await w.run(2_500);
    expect(shown().orders).toEqual([]);
    await w.tap('maintenance-order', orderId);
    expect(shown()).toMatchObject({ tab: 'orders', openOrderId: orderId, logs: null });
    expect(shown().orders[0]?.story.length).toBeGreaterThan(5);
  });

  it('goes back a stretch at a time: the rare is found, nothing is told twice, and a day is jumped to', async () => {
    const DAY = 86_400_000;
    for (let day = 0; day < 3; day += 1) {
      w.journal.append([
        { kind: 'maintenance-entered', orderId: null, body: { who: `第 ${day} 天` } },
      ]);
      for (let n = 0; n < 3; n += 1)
        w.journal.append(
          Array.from({ length: 1_000 }, () => ({
            kind: 'clock-step' as const,
            orderId: null,
            body: { stepMs: n },
          })),
        );
      w.clock.advance(DAY);
    }
    await enter('2222', 'logs');
    await look('people');
    // More than one stretch lies behind: it goes on by itself.
    expect(said()).toContain('第 2 天 进入维护');
    await w.run(1_000);
    expect(said().filter((text) => text.startsWith('第'))).toEqual([
      '第 2 天 进入维护',
      '第 1 天 进入维护',
      '第 0 天 进入维护',
    ]);
    expect(logs()).toMatchObject({ searchingMs: null, older: null });

    await look('line');
    expect(logs().lines).toHaveLength(LOG_LINES);
    const first = logs();
    await look('line', first.older ?? '');
    expect(logs().from).toBe(first.older);
    expect(logs().lines).toHaveLength(LOG_LINES);
    expect((logs().lines[0]?.atMs ?? 0) <= (first.lines.at(-1)?.atMs ?? 0)).toBe(true);

    const day = new Date(T0 + DAY + 8 * 3_600_000).toISOString().slice(0, 10);
    await look('all', day);
    const dates = logs().lines.map(({ atMs }) =>
      new Date(atMs + 8 * 3_600_000).toISOString().slice(0, 10),
    );
    expect(new Set(dates)).toEqual(new Set([day]));
  });

  it('what the programs warned of, with bare numbers masked and orders’ left as they are', async () => {
    const clock = new ManualClock(T0);
    const { log, warnings, text } = rememberingLog(() => undefined, clock);
    log('info', 'card', 'fine');
    log('warn', 'card', 'card 8800003921 left', { orderId: 'PL-000000000311-1-0042-7391' });
    for (let n = 0; n < 300; n += 1) log('error', 'x', `n ${n}`);
    expect([warnings().length, warnings()[0]?.text]).toEqual([200, 'n 299']);
    expect(text().split('\n')).toHaveLength(303);
    const again = rememberingLog(() => undefined, clock);
    again.log('warn', 'card', 'card 8800003921 left', { orderId: 'PL-000000000311-1-0042-7391' });
    lines = [...again.warnings()];
    expect(lines[0]?.text).toBe(
      'card 8800 **** 3921 left {"orderId":"PL-000000000311-1-0042-7391"}',
    );
    await enter('3333', 'logs');
    await look('program');
    expect(logs()).toMatchObject({ filter: 'program', older: null, searchingMs: null });
    expect(said()).toEqual([`card: ${lines[0]?.text}`]);
  });
});
