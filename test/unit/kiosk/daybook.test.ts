import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAINTENANCE_ACTIONS } from '../../../src/shared/contract/index.ts';
import type {
  Intent,
  MaintenanceAction,
  MaintenanceRole,
  SnapshotOf,
} from '../../../src/shared/contract/index.ts';
import { queryOf } from '../../../src/kiosk/maintenance/look.ts';
import { actionsOf, mayDo, tabsOf } from '../../../src/kiosk/maintenance/roles.ts';
import type { MaintenancePorts } from '../../../src/kiosk/maintenance/run.ts';
import { shiftSlip } from '../../../src/kiosk/words/shift-slip.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { shiftHash } from '../../../src/shared/shift-hash.ts';
import { columnsOf, layOut } from '../../../src/device/printer/layout.ts';
import { PRINTER_MODELS } from '../../../src/device/printer/models.ts';
import { World } from '../../support/kiosk-world.ts';
import { daybookView } from '../../support/daybook-fixtures.ts';

/** Whoever comes in says who he is by his PIN. */
const USERS: Readonly<Record<string, readonly [string, MaintenanceRole]>> = {
  '1111': ['王芳', 'staff'],
  '2222': ['李工', 'technician'],
  '3333': ['赵会计', 'auditor'],
};

let w: World;
let exported: Awaited<ReturnType<NonNullable<MaintenancePorts['exports']>['write']>>;
beforeEach(async () => {
  exported = ok({ zh: '已写到U盘', en: 'written' });
  w = new World();
  w.replaceCard('good', { macKey: '00'.repeat(16) });
  w.maintenance = {
    version: '9',
    enabled: true,
    checkPin: (pin) => Promise.resolve(USERS[pin]?.[0] ?? null),
    roles: new Map(Object.values(USERS)),
    verify: () => Promise.resolve({ ok: true, problems: [] }),
    scratch: () => Promise.resolve(3),
    uploadNow: () => undefined,
    onChanged: () => undefined,
    maxClockSkewMs: () => 60_000,
    exports: {
      sealed: true,
      stick: () => ({ state: 'ready', name: 'STICK', freeBytes: 1 }),
      write: () => Promise.resolve(exported),
    },
  };
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const shown = (): SnapshotOf<'maintenance'> => w.shown('maintenance');
async function enter(pin: string): Promise<void> {
  await w.tap('open-maintenance');
  await w.tap('enter-pin', pin);
  expect(w.screen).toBe('maintenance');
}
async function act(
  value: MaintenanceAction,
  more: { target?: string; why?: string } = {},
): Promise<void> {
  w.kiosk.intent({
    type: 'maintenance-do',
    value,
    screen: w.screen,
    revision: w.snapshot.revision,
    ...more,
  } satisfies Intent);
  await w.run(500);
}
async function search(by: 'ref' | 'card' | 'sum' | 'day', value: string): Promise<string[]> {
  w.kiosk.intent({
    type: 'maintenance-search',
    by,
    value,
    screen: w.screen,
    revision: w.snapshot.revision,
  } satisfies Intent);
  await w.run(250);
  return shown().orders.map((o) => o.orderRef);
}
/** Paid, and handed back in vain: parked. */
async function park(): Promise<void> {
  w.pay.next.refund.push('refused');
  await w.toPay('good');
  w.pay.pay();
  await w.until('parked', () => w.state() === 'parked/parked');
  await w.remove();
  await w.untilScreen('start');
}
async function sell(): Promise<void> {
  await w.toPay('golden');
  w.pay.pay();
  await w.untilScreen('done');
  await w.remove();
  await w.untilScreen('start');
}

describe('roles', () => {
  it('each has its tabs and acts; nobody but a technician says of money that it moved', () => {
    for (const role of ['staff', 'technician', 'auditor'] as const)
      expect(tabsOf(role)).toContain('daybook');
    for (const action of MAINTENANCE_ACTIONS)
      if (/settle|refund|lost|damage/.test(action))
        expect([mayDo('staff', action), mayDo('auditor', action)], action).toEqual([false, false]);
    // An auditor changes nothing: he reads, prints and exports.
    expect(actionsOf('auditor')).toEqual([
      'verify-journal',
      'print-story',
      'print-copy',
      'print-shift',
      'export',
      'print-readiness',
      'show-readiness',
    ]);
    expect(mayDo('staff', 'export')).toBe(false);
  });

  it('what a role has not is neither offered nor done, whatever the page sends', async () => {
    await park();
    for (const [pin, [who, role]] of Object.entries(USERS)) {
      await enter(pin);
      expect(shown()).toMatchObject({ who, role, may: actionsOf(role) });
      await w.tap('maintenance-tab', 'orders');
      const order = shown().orders[0];
      expect(order?.actions.includes('retry-refund')).toBe(role === 'technician');
      if (role !== 'technician') {
        const before = w.journal.head.seq;
        await act('retry-refund', { target: order?.orderId ?? '', why: 'x' });
        await act('settle-refunded-by-hand', { target: order?.orderId ?? '', why: 'x' });
        if (role === 'auditor') {
          await act('out-of-service', { why: 'x' });
          await act('close-shift', { target: '1', why: 'x' });
          await act('self-test', { target: 'disk' });
        } else await act('export');
        expect(w.journal.head.seq).toBe(before);
      }
      await w.tap('exit');
    }
  });
});

describe('the shift', () => {
  it('is shown as it stands, closed by name, printed to be signed, and shown again; the next one begins', async () => {
    await sell();
    await enter('1111');
    await w.tap('maintenance-tab', 'daybook');
    await w.run(250);
    const open = shown().daybook;
    expect(open).toMatchObject({ closed: null, doubts: [], last: [], sealed: true });
    expect(open?.shift).toMatchObject({
      number: 1,
      captured: { count: 1 },
      delivered: { count: 1 },
    });
    // Which one is said: without it nothing is closed.
    await act('close-shift');
    expect(w.journal.closedShifts(1)).toEqual([]);
    await act('close-shift', { target: '1' });
    expect(shown().message?.zh).toContain('第 1 班已结，请签字');
    // A second tap on what was shown does not close the next one.
    await act('close-shift', { target: '1', why: 'x' });
    expect(shown().message?.zh).toContain('已经结过了');
    expect(w.journal.closedShifts(9)).toHaveLength(1);
    const slip = w.printed.at(-1) ?? '';
    for (const part of ['交接班日结单', '结班 王芳', '燃气卡 1笔', '交班人', '接班人'])
      expect(slip).toContain(part);
    expect(slip).not.toContain('补打');
    await w.run(2_500);
    expect(shown().daybook).toMatchObject({
      shift: { number: 2, captured: { count: 0 } },
      last: [{ ref: '1-1', who: '王芳', compared: { state: 'waits' } }],
    });
    await w.tap('maintenance-shift', '1-1');
    expect(shown().daybook).toMatchObject({ shift: { number: 1 }, closed: { ref: '1-1' } });
    await act('print-shift', { target: '1-1' });
    expect(w.printed.at(-1)).toContain('交接班日结单（补打）');
    // Which bills were compared is told of the shift later; its statement stays.
    const before = w.journal.closedShifts(1);
    const [date = ''] = before[0]?.shift.dates ?? [];
    const none = { count: 0, fen: 0 };
    w.journal.append([
      {
        kind: 'reconciled',
        orderId: null,
        body: {
          date,
          provider: 'wechat',
          payments: none,
          refunds: none,
          reversals: none,
          differences: { 'refund-missing': 1 },
          persons: 1,
        },
      },
    ]);
    await w.run(2_500);
    expect(shown().daybook?.last[0]).toMatchObject({
      compared: { state: 'differs', persons: 1 },
      doubts: ['bill'],
    });
    expect(w.journal.closedShifts(1)).toEqual(before);
  });

  it('with money parked it wants a word; without a printer it is closed all the same, and says so', async () => {
    await park();
    await enter('2222');
    await w.tap('maintenance-tab', 'daybook');
    await w.run(250);
    expect(shown().daybook?.doubts).toEqual(['parked']);
    await act('close-shift', { target: '1' });
    expect(w.journal.closedShifts(1)).toEqual([]);
    expect(shown().message?.zh).toContain('选了原因');
    w.printerOk = false;
    await act('close-shift', { target: '1', why: '待处理的款已交代给接班人' });
    expect(shown().message?.zh).toContain('凭条没有打出来');
    expect(w.journal.closedShifts(1)).toMatchObject([
      { who: '李工', why: '待处理的款已交代给接班人' },
    ]);
  });

  it('is not closed on a restored journal that nobody has looked at', async () => {
    await enter('1111');
    w.journal.condition = () => ({
      kind: 'restored',
      atMs: 1,
      why: 'x',
      aside: 'x',
      restoredSeq: 1,
      lostAfterSeq: null,
      accepted: false,
      epochGranted: false,
    });
    await act('close-shift', { target: '1', why: 'x' });
    expect(w.journal.closedShifts(1)).toEqual([]);
    expect(shown().message?.en).toContain('accept the restored journal first');
  });

  it('its slip fits 32 columns and 48', () => {
    const { shift } = daybookView(1_795_300_000_000);
    if (shift === null) throw new Error('no shift');
    const closed = {
      shift,
      hash: shiftHash(shift),
      who: '李工',
      why: '待处理的款已交代给接班人',
      closedMs: 1_795_300_000_000,
      at: shift.to,
    };
    const both = { zh: '燃气', en: 'Gas' };
    const header = {
      brand: both,
      site: both,
      terminalName: both,
      terminalId: '000000000311',
      panel: null,
    };
    const slip = shiftSlip(closed, false, '次日核对', {
      header,
      hotline: '1',
      nowMs: 1_795_300_000_000,
    });
    for (const columns of [32, 48]) {
      const rows = layOut(slip, { ...PRINTER_MODELS['generic-58'], columns }).flatMap((row) =>
        row.kind === 'text' ? [row.text] : [],
      );
      expect(rows.filter((row) => columnsOf(row) > columns)).toEqual([]);
      expect(rows.join('\n')).toMatch(/差额 +0\.00/);
    }
  });
});

describe('orders are found', () => {
  it('by their reference or its end, card, sum and day, among all and not only the newest', async () => {
    await sell();
    await park();
    await enter('2222');
    await w.tap('maintenance-tab', 'orders');
    const all = shown().orders;
    expect(all).toHaveLength(2);
    for (const order of all) {
      const digits = order.orderRef.replaceAll(' ', '');
      expect(await search('ref', digits)).toEqual([order.orderRef]);
      expect(await search('ref', digits.slice(-8))).toEqual([order.orderRef]);
      expect(await search('ref', digits.slice(-4))).toContain(order.orderRef);
      expect(await search('sum', String(order.amountFen / 100))).toContain(order.orderRef);
    }
    const [card] = new Set(
      w.journal.orders().map((o) => (o.sale.kind === 'card' ? o.sale.cardNo : '')),
    );
    expect((await search('card', card?.slice(-4) ?? '')).length).toBeGreaterThan(0);
    const { date } = { date: new Date(w.clock.nowMs() + 8 * 3_600_000).toISOString().slice(0, 10) };
    expect(await search('day', date.replaceAll('-', ''))).toHaveLength(2);
    expect(await search('day', date.slice(5).replace('-', ''))).toHaveLength(2);
    expect(await search('day', '19990101')).toEqual([]);
    expect(await search('day', '0230')).toEqual([]);
    expect(shown().search).toMatchObject({ by: 'day', text: '0230', more: false });
    expect(await search('sum', '')).toHaveLength(2);
    expect(shown().search).toBeNull();
    // Too few digits find nothing, and show what was shown.
    expect(await search('card', '39')).toHaveLength(2);
  });

  it('a delivered one has a copy of its receipt, which says that it is one', async () => {
    await sell();
    await enter('3333');
    const order = shown().orders[0];
    expect(order?.actions).toEqual(['print-story', 'print-copy']);
    await act('print-copy', { target: order?.orderId ?? '' });
    expect(w.printed.at(-1)).toContain('补打凭条');
    expect(w.printed.at(-1)).not.toContain('8800003921');
  });

  it('February 29 is looked for where there was one', () => {
    const nowMs = Date.parse('2026-11-22T04:00:00Z');
    expect(queryOf({ by: 'day', text: '0229' }, nowMs)).toMatchObject({
      fromMs: Date.parse('2024-02-29T00:00:00+08:00'),
    });
    expect(queryOf({ by: 'day', text: '1123' }, nowMs)).toMatchObject({
      fromMs: Date.parse('2025-11-23T00:00:00+08:00'),
    });
  });
});

describe('the export', () => {
  it('is on record, says how it went, and runs once at a time', async () => {
    await enter('3333');
    await w.tap('maintenance-tab', 'daybook');
    await act('export');
    expect(shown().message?.zh).toBe('已写到U盘');
    expect(shown().daybook?.exporting).toBe(false);
    exported = err(failure('MNT-0205', 'EIO'));
    await act('export');
    expect(shown().message?.zh).toMatch(/^MNT-0205 .*重新插好/);
    const said = (w.journal.unsent(1_000)?.events ?? [])
      .concat(w.central.events as never)
      .filter((e) => (e.body as { action?: string }).action === 'export');
    expect(new Set(said.map((e) => e.seq)).size).toBe(2);
  });
});
