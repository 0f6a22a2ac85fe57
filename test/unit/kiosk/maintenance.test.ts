import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { MAINTENANCE_ACTIONS } from '../../../src/shared/contract/index.ts';
import type {
  Intent,
  MaintenanceAction,
  OrderStory,
  SnapshotOf,
} from '../../../src/shared/contract/index.ts';
import { CARD_REFUSALS } from '../../../src/shared/facts/card-refusals.ts';
import { EVENTS } from '../../../src/shared/facts/catalogue.ts';
import type { EventBody, EventKind } from '../../../src/shared/facts/catalogue.ts';
import { DEMO_USER } from '../../../src/demo/technician.ts';
import { IDLE_MS, PIN_IDLE_MS } from '../../../src/kiosk/maintenance/step.ts';
import { LOCK_MS, lockLeftMs, lockMs } from '../../../src/kiosk/state/maintenance.ts';
import { hashPin, pinProblem, whosePin } from '../../../src/kiosk/maintenance/pin.ts';
import type { MaintenancePorts } from '../../../src/kiosk/maintenance/run.ts';
import type { SystemPort } from '../../../src/kiosk/maintenance/system.ts';
import { ok } from '../../../src/shared/result.ts';
import { sentenceOf, storyOf } from '../../../src/kiosk/words/facts.ts';
import { orderFacts, PARKED_REASONS, standingOf } from '../../../src/kiosk/words/standing.ts';
import { World } from '../../support/kiosk-world.ts';
import { emptyShift } from '../../support/shifts.ts';

const PIN = '2580';
const WHO = '李工';

describe('the PIN', () => {
  it('is known by its hash, whoever of several it belongs to; a wrong one and an empty list are nobody’s', async () => {
    const users = [
      await hashPin(
        '王工',
        '835172',
        Uint8Array.from({ length: 16 }, (_, i) => i),
      ),
      { name: DEMO_USER.name, salt: DEMO_USER.salt, hash: DEMO_USER.hash },
    ];
    expect(
      await Promise.all([PIN, '835172', '2581', '25800'].map((pin) => whosePin(users, pin))),
    ).toEqual([WHO, '王工', null, null]);
    expect(await whosePin([], PIN)).toBeNull();
    expect(DEMO_USER.pin).toBe(PIN);
  });

  it('is refused where anybody would try it first', () => {
    expect(['111111', '123456', '987654', '246802', '121212', '123123'].map(pinProblem)).toEqual(
      Array(6).fill('trivial'),
    );
    expect([
      pinProblem('12345'),
      pinProblem('1234567890123'),
      pinProblem('83517a'),
      pinProblem('835172'),
      pinProblem('19731122'),
    ]).toEqual(['short', 'long', 'not-digits', null, null]);
  });

  it('locks ever longer from the third wrong try on', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 100].map(lockMs)).toEqual([
      0, 0, 30_000, 60_000, 120_000, 300_000, 900_000, 3_600_000, 3_600_000, 3_600_000,
    ]);
    expect(LOCK_MS).toHaveLength(6);
  });

  it('what is left of a lock-out after a restart: less by the time gone, never less for a clock that was set back', () => {
    const kept = { fails: 5, setMs: 1_000_000, lockMs: 120_000 };
    expect(
      [1_000_000, 1_050_000, 1_120_000, 9_000_000, 999_999, 0].map((nowMs) =>
        lockLeftMs(kept, nowMs),
      ),
    ).toEqual([120_000, 70_000, 0, 0, 120_000, 120_000]);
  });
});

let w: World;
let checks: ((who: string | null) => void)[];
let held: boolean;
let verified: { ok: boolean; problems: readonly string[] };
let scratch: () => Promise<number>;
let uploads: number;

/** A machine that does what it is told. */
const MACHINE: SystemPort = {
  look: () =>
    Promise.resolve({
      versions: [],
      installed: null,
      uptimeMs: 0,
      coreUptimeMs: 0,
      addresses: [],
      clockKept: null,
      brightness: 80,
    }),
  setBrightness: () => Promise.resolve(ok(undefined)),
  restartCore: () => undefined,
  restartMachine: () => Promise.resolve(ok(undefined)),
};

function ports(more: Partial<MaintenancePorts> = {}): MaintenancePorts {
  return {
    version: '9.9.9',
    enabled: true,
    checkPin: (pin) =>
      held ? new Promise((done) => checks.push(done)) : Promise.resolve(pin === PIN ? WHO : null),
    verify: () => Promise.resolve(verified),
    scratch: () => scratch(),
    uploadNow: () => (uploads += 1),
    onChanged: () => undefined,
    maxClockSkewMs: () => 60_000,
    ...more,
  };
}
beforeEach(async () => {
  checks = [];
  held = false;
  verified = { ok: true, problems: [] };
  scratch = () => Promise.resolve(3);
  uploads = 0;
  w = new World();
  w.replaceCard('good', { macKey: '00'.repeat(16) });
  w.maintenance = ports();
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

async function act(
  value: MaintenanceAction,
  more: { target?: string; why?: string; reference?: string } = {},
): Promise<void> {
  w.kiosk.intent({
    type: 'maintenance-do',
    value,
    screen: w.screen,
    revision: w.snapshot.revision,
    ...more,
  } satisfies Intent);
  await w.run(250);
}
async function enter(pin = PIN): Promise<void> {
  await w.tap('open-maintenance');
  expect(w.screen).toBe('maintenance-pin');
  await w.tap('enter-pin', pin);
}
const open = (): SnapshotOf<'maintenance'> => w.shown('maintenance');
const facts = <K extends EventKind>(kind: K): EventBody<K>[] => {
  const all = w.journal.unsent(10_000)?.events ?? [];
  return [...w.central.events, ...all]
    .filter((e, at, list) => e.kind === kind && list.findIndex((x) => x.seq === e.seq) === at)
    .map((e) => e.body as EventBody<K>);
};
const parked = (): OrderStory => {
  const found = open().orders[0];
  if (found?.state !== 'parked')
    throw new Error(`nothing is parked: ${JSON.stringify(open().orders)}`);
  return found;
};
/** A sale whose write is refused by the card and whose refund is refused by the provider. */
async function parkRefund(): Promise<void> {
  w.pay.next.refund.push('refused');
  await w.toPay('good');
  w.pay.pay();
  await w.until('parked', () => w.state() === 'parked/parked');
  await w.remove();
  await w.untilScreen('start');
}

describe('entering', () => {
  it('by gesture and PIN; the journal says who, and who left', async () => {
    await enter();
    expect(open()).toMatchObject({
      who: WHO,
      tab: 'devices',
      outOfService: false,
      blocked: null,
      version: '9.9.9',
    });
    expect(facts('maintenance-entered')).toEqual([{ who: WHO }]);
    await w.tap('exit');
    expect(w.screen).toBe('start');
    expect(facts('maintenance-left')).toEqual([{ who: WHO, why: 'exit' }]);
  });

  it('a counter that ran on under the finger does not swallow the tap; one of an earlier visit does nothing', async () => {
    await enter();
    const { revision } = w.snapshot;
    await act('self-test', { target: 'journal' });
    expect(w.snapshot.revision).toBeGreaterThan(revision);
    w.kiosk.intent({ type: 'maintenance-tab', value: 'sync', screen: 'maintenance', revision });
    expect(open().tab).toBe('sync');
    await w.tap('exit');
    await enter();
    w.kiosk.intent({ type: 'maintenance-tab', value: 'orders', screen: 'maintenance', revision });
    w.kiosk.intent({ type: 'exit', screen: 'maintenance', revision: w.snapshot.revision + 1 });
    expect(open().tab).toBe('devices');
  });

  it('a card that is in stays in, whatever the visit would want, and no code is looked for', async () => {
    expect(w.needs).toEqual({ card: 'out', scanner: false });
    await enter();
    expect([w.screen, w.needs]).toEqual(['maintenance', { card: 'in', scanner: false }]);
    await w.tap('exit');
    expect(w.needs.card).toBe('out');
  });

  it('no user, no door', async () => {
    w.maintenance = ports({ enabled: false });
    await w.start();
    await w.tap('open-maintenance');
    expect(w.screen).toBe('start');
    w.maintenance = null;
    await w.start();
    await w.tap('open-maintenance');
    expect(w.screen).toBe('start');
  });

  it('wrong PINs: the third locks, nothing is checked meanwhile, the right one then opens and clears the count', async () => {
    let asked = 0;
    w.maintenance = ports({
      checkPin: (pin) => Promise.resolve(((asked += 1), pin === PIN ? WHO : null)),
    });
    await w.start();
    await enter('1111');
    expect(w.shown('maintenance-pin')).toMatchObject({
      wrong: true,
      busy: false,
      lockedUntilMs: null,
    });
    await w.tap('enter-pin', '2222');
    await w.tap('enter-pin', '3333');
    expect(w.shown('maintenance-pin').lockedUntilMs).toBe(w.clock.nowMs() + 30_000);
    await w.tap('enter-pin', PIN);
    expect([asked, w.screen]).toEqual([3, 'maintenance-pin']);
    await w.run(30_000);
    expect(w.shown('maintenance-pin').lockedUntilMs).not.toBeNull(); // as it was drawn; the view counts it down
    await w.tap('enter-pin', '4444');
    expect(w.shown('maintenance-pin').lockedUntilMs).toBe(w.clock.nowMs() + 60_000);
    expect(facts('maintenance-refused')).toEqual([
      { fails: 1, lockedMs: 0 },
      { fails: 2, lockedMs: 0 },
      { fails: 3, lockedMs: 30_000 },
      { fails: 4, lockedMs: 60_000 },
    ]);
    await w.run(59_000);
    await w.tap('exit');
    await w.run(1_000);
    await enter();
    expect(w.screen).toBe('maintenance');
    await w.tap('exit');
    await enter('1111');
    expect(facts('maintenance-refused').at(-1)).toEqual({ fails: 1, lockedMs: 0 });
  });

  it('a kill during the check is no free try, and the lock-out outlives restarts', async () => {
    held = true;
    for (let n = 0; n < 3; n += 1) {
      await enter('1111');
      expect(w.shown('maintenance-pin').busy).toBe(true);
      w.kill();
      await w.start();
    }
    await w.tap('open-maintenance');
    const until = w.shown('maintenance-pin').lockedUntilMs;
    expect(until).toBeGreaterThan(w.clock.nowMs() + 29_000);
    w.kill();
    await w.start();
    held = false;
    await enter();
    expect(w.shown('maintenance-pin').lockedUntilMs).toBe(until);
    await w.run(30_000);
    await w.tap('enter-pin', PIN);
    expect(w.screen).toBe('maintenance');
  });

  it('is refused while a visit goes on', async () => {
    await w.toPay('golden');
    await w.tap('open-maintenance');
    expect(w.screen).toBe('pay');
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    await w.tap('open-maintenance');
    expect(w.screen).toBe('in-doubt');
    await w.insert('golden');
    await w.untilScreen('done');
    await w.remove();
  });

  it('a customer who inserts a card at the PIN comes first, even when the right PIN is being checked', async () => {
    held = true;
    await enter();
    await w.insert('golden');
    await w.untilScreen('amount');
    checks[0]?.(WHO);
    await w.run(500);
    expect(w.screen).toBe('amount');
    expect(facts('maintenance-entered')).toEqual([]);
  });

  it('the PIN’s screen closes by itself, and so does an open one', async () => {
    await w.tap('open-maintenance');
    await w.run(PIN_IDLE_MS + 250);
    expect(w.screen).toBe('start');
    await enter();
    await w.run(IDLE_MS - 1_000);
    await w.tap('more-time');
    await w.run(IDLE_MS - 1_000);
    expect(w.screen).toBe('maintenance');
    await w.run(1_500);
    expect(w.screen).toBe('start');
    expect(facts('maintenance-left')).toEqual([{ who: WHO, why: 'idle' }]);
  });

  it('a restart ends it, and says so', async () => {
    await enter();
    w.kill();
    await w.start();
    expect(w.screen).toBe('start');
    expect(facts('maintenance-left')).toEqual([{ who: WHO, why: 'restart' }]);
    w.kill();
    await w.start();
    expect(facts('maintenance-left')).toHaveLength(1);
  });
});

describe('while it is open', () => {
  it('a card is shown in the devices only: not read, not sold to; it is to be taken at the end', async () => {
    await enter();
    w.points = [];
    await w.insert('golden');
    await w.run(5_000);
    expect(open().devices.find((d) => d.id === 'reader')?.detail.zh).toContain('有卡在内');
    expect(w.points.filter((p) => p.includes('apdu'))).toEqual([]);
    await w.tap('exit');
    expect(w.screen).toBe('take-card');
    await w.remove();
    expect(w.screen).toBe('start');
  });

  it('an unfinished order’s card is not written under the technician’s hands, and is afterwards', async () => {
    await w.toPay('golden');
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    await w.tap('leave');
    await w.untilScreen('start');
    await enter();
    await w.insert('golden');
    await w.run(5_000);
    expect(w.order().state).toBe('in-doubt');
    await w.tap('exit');
    await w.remove();
    await w.insert('golden');
    await w.until('delivered', () => w.order().state === 'delivered');
    await w.remove();
  });

  it('orders in the background go on', async () => {
    w.pay.refundState = 'processing';
    await w.toPay('good');
    w.pay.pay();
    await w.until('refunding', () => w.state() === 'refunding/refunding');
    await w.remove();
    await w.untilScreen('start');
    await enter();
    await w.tap('maintenance-tab', 'orders');
    expect(open().orders[0]?.state).toBe('refunding');
    w.pay.finishRefunds();
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    await w.run(2_500);
    expect(open().orders[0]?.state).toBe('refunded');
  });

  it('keeps the technician’s language, and gives the customers theirs back', async () => {
    await enter();
    await w.tap('set-locale', 'en');
    await w.run(60_000);
    expect(w.snapshot.locale).toBe('en');
    await w.tap('exit');
    expect(w.snapshot).toMatchObject({ screen: 'start', locale: 'zh-CN' });
  });
});

describe('orders', () => {
  it('a parked refund: first in the list, told in words, retried under its own number, refunded', async () => {
    await parkRefund();
    await enter();
    await w.tap('maintenance-tab', 'orders');
    const order = parked();
    expect(order.actions).toEqual(['retry-refund', 'settle-refunded-by-hand', 'print-story']);
    expect(order.reason.zh).toBe('退款被支付平台拒绝');
    expect(order.story).toEqual([]);
    await w.tap('maintenance-order', order.orderId);
    const told = open().orders[0]?.story ?? [];
    expect(told.length).toBeGreaterThan(8);
    expect(told.at(-1)?.text.zh).toMatch(/待人工处理|凭条/);

    await act('retry-refund', { target: order.orderId });
    expect(facts('attempt-refund-retried')).toEqual([]); // no why, no deed
    const before = w.attempt().outRefundNo;
    await act('retry-refund', { target: order.orderId, why: '商户账户余额已补足' });
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    expect(w.attempt().outRefundNo).toBe(before);
    expect([...w.pay.newest().refunds.keys()]).toEqual([before]);
    expect(facts('attempt-refund-retried')).toEqual([
      { attemptId: w.attempt().attemptId, who: WHO, why: '商户账户余额已补足' },
    ]);
    expect(facts('maintenance-action').at(-1)).toEqual({
      who: WHO,
      action: 'retry-refund',
      why: '商户账户余额已补足',
    });
    await w.run(2_500);
    expect(open().orders[0]).toMatchObject({
      state: 'refunded',
      actions: ['print-story', 'print-copy'],
    });
    // again on what is no longer parked: nothing but a word
    await act('retry-refund', { target: order.orderId, why: 'x' });
    expect(open().message?.zh).toBe('这笔订单已不需要此操作');
    expect(w.state()).toBe('refunded/refunded');
  });

  it('settled by hand: with a receipt only, once only, and parked no more', async () => {
    await parkRefund();
    await enter();
    const { orderId } = parked();
    await act('settle-refunded-by-hand', { target: orderId, why: '已转账给客户' });
    expect(facts('parked-settled')).toEqual([]);
    await act('settle-delivered-by-hand', { target: orderId, why: 'x', reference: '1' });
    expect(facts('parked-settled')).toEqual([]); // not an end that this reason has
    await act('settle-refunded-by-hand', {
      target: orderId,
      why: '已转账给客户',
      reference: '42007190',
    });
    expect(facts('parked-settled')).toEqual([
      {
        attemptId: w.attempt().attemptId,
        how: 'refunded-by-hand',
        reference: '42007190',
        who: WHO,
        why: '已转账给客户',
      },
    ]);
    await w.run(2_500);
    expect(open().orders[0]?.state).toBe('settled');
    expect([w.order().settled?.reference, w.attempt().settled?.who]).toEqual(['42007190', WHO]);
    await act('settle-refunded-by-hand', { target: orderId, why: 'x', reference: '1234' });
    expect(facts('parked-settled')).toHaveLength(1);
  });

  it('another sum than the order’s: attempt and order are both settled', async () => {
    await w.toPay('golden');
    w.pay.saysFen = 9_900;
    w.pay.pay();
    await w.until('parked', () => w.state() === 'parked/parked');
    await w.remove();
    await w.untilScreen('start', 60_000);
    await enter();
    expect(parked().actions).toEqual([
      'settle-refunded-by-hand',
      'settle-delivered-by-hand',
      'settle-nothing-due',
      'print-story',
    ]);
    await act('settle-nothing-due', {
      target: parked().orderId,
      why: '账单上没有这笔款',
      reference: '0001',
    });
    expect(facts('parked-settled').map((f) => f.attemptId)).toEqual([w.attempt().attemptId, null]);
    await w.run(2_500);
    expect(open().orders[0]?.state).toBe('settled');
  });

  it('prints the story of one', async () => {
    await parkRefund();
    await enter();
    const printed = w.printed.length;
    await act('print-story', { target: parked().orderId });
    expect(w.printed).toHaveLength(printed + 1);
    expect(w.printed.at(-1)).toContain('订单经过');
    expect(w.printed.at(-1)).toContain('商户单号');
  });

  it('an order that is not there changes nothing', async () => {
    await enter();
    const head = w.journal.head.seq;
    await act('retry-refund', { target: 'PL-000000000311-1-9999-0000', why: 'x' });
    expect(w.journal.head.seq).toBe(head);
  });
});

describe('out of service', () => {
  it('outlives a restart, sells nothing, says so, and ends by a technician’s word', async () => {
    await enter();
    await act('out-of-service', { why: '' });
    expect(open().outOfService).toBe(false);
    await act('out-of-service', { why: '设备故障待修' });
    expect(open().outOfService).toBe(true);
    await w.tap('exit');
    expect(w.shown('out-of-service').reason).toBe('MNT-0103');
    w.kill();
    await w.start();
    expect(w.shown('out-of-service').reason).toBe('MNT-0103');
    // what the monitor finds well meanwhile does not put it back
    w.setService({ blocked: null });
    expect(w.shown('out-of-service').reason).toBe('MNT-0103');
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect(w.shown('cannot-sell').reason).toBe('MNT-0103');
    await w.remove();
    await enter();
    await act('back-in-service', { why: '检修完成，自检通过' });
    expect(w.screen).toBe('start');
    expect(facts('maintenance-action').map((f) => [f.action, f.why])).toEqual([
      ['out-of-service', '设备故障待修'],
      ['back-in-service', '检修完成，自检通过'],
    ]);
    await w.insert('golden');
    await w.untilScreen('amount');
  });

  it('what blocked selling before still does after', async () => {
    w.setService({ blocked: { code: 'JRNL-0104' } });
    expect(w.shown('out-of-service').reason).toBe('JRNL-0104');
    await enter();
    expect(open().blocked).toBe('JRNL-0104');
    await act('out-of-service', { why: '定期保养' });
    await act('back-in-service', { why: '保养完成' });
    expect(w.shown('out-of-service').reason).toBe('JRNL-0104');
  });
});

describe('devices', () => {
  const test1 = async (device: string): Promise<readonly [string, string]> => {
    await act('self-test', { target: device });
    const d = open().devices.find((x) => x.id === device);
    return [d?.test ?? '', d?.testDetail?.en ?? ''];
  };

  it('each is tested for real, and every test is on record', async () => {
    await enter();
    expect(open().devices.map((d) => d.id)).toEqual([
      'reader',
      'printer',
      'service',
      'line-wechat',
      'central',
      'journal',
      'disk',
      'clock',
    ]);
    expect(await test1('reader')).toEqual(['passed', 'the reader answers; no card']);
    const before = w.purchase('golden');
    await w.insert('golden');
    w.points = [];
    expect(await test1('reader')).toEqual([
      'passed',
      expect.stringMatching(/^the card answers 3B[0-9A-F]+ in \d+ ms$/),
    ]);
    expect([w.points.filter((p) => p.includes('apdu')), w.purchase('golden')]).toEqual([
      [],
      before,
    ]);
    const printed = w.printed.length;
    expect((await test1('printer'))[0]).toBe('passed');
    expect(w.printed).toHaveLength(printed + 1);
    expect(await test1('service')).toEqual(['passed', expect.stringMatching(/^\d+ devices work/)]);
    expect((await test1('line-wechat'))[1]).toMatch(/^a verified answer in/);
    expect((await test1('journal'))[0]).toBe('passed');
    expect((await test1('disk'))[1]).toBe('written, synced and read back in 3 ms');
    expect(facts('maintenance-action').map((f) => [f.action, f.detail])).toEqual(
      ['reader', 'reader', 'printer', 'service', 'line-wechat', 'journal', 'disk'].map((d) => [
        'self-test',
        d,
      ]),
    );
  });

  it('what does not work does not pass, and what does not answer neither', async () => {
    await enter();
    w.setService({ devices: w.devices({ paperLow: true }) });
    await w.run(100);
    expect(open().devices.find((d) => d.id === 'printer')).toMatchObject({
      state: 'user-error',
      detail: { en: 'ready; the paper is low: put in a new roll' },
    });
    w.printerOk = false;
    expect((await test1('printer'))[0]).toBe('failed');
    w.pay.down = true;
    expect(await test1('line-wechat')).toEqual(['failed', expect.stringContaining('PAY-0202')]);
    verified = { ok: false, problems: ['event 7: the hash chain breaks here'] };
    expect(await test1('journal')).toEqual(['failed', 'event 7: the hash chain breaks here']);
    expect((await test1('central'))[0]).toBe('failed');
    scratch = () => Promise.reject(new Error('EROFS'));
    expect(await test1('disk')).toEqual(['failed', 'Error: EROFS']);
    scratch = () => new Promise(() => undefined);
    expect((await test1('disk'))[0]).toBe('running');
    await w.run(20_000);
    expect(open().devices.find((d) => d.id === 'disk')).toMatchObject({
      test: 'failed',
      testDetail: { en: 'no answer within 20 s' },
    });
    w.slot.offline(true);
    await w.run(250);
    expect(open().devices.find((d) => d.id === 'reader')).toMatchObject({
      state: 'offline',
      lastError: 'CARD-0107',
    });
    expect((await test1('reader'))[0]).toBe('failed');
    w.slot.offline(false);
  });

  it('journal and line: verify names the first problems, upload is asked for', async () => {
    await enter();
    await w.tap('maintenance-tab', 'sync');
    expect(open().sync).toMatchObject({ epoch: 1, damage: null, verify: { state: 'none' } });
    verified = { ok: false, problems: ['a', 'b'] };
    await act('verify-journal');
    expect(open().sync.verify).toMatchObject({ state: 'failed', problems: ['a', 'b'] });
    verified = { ok: true, problems: [] };
    await act('verify-journal');
    expect(open().sync.verify).toMatchObject({ state: 'ok', problems: [] });
    await act('upload-now');
    expect(uploads).toBe(1);
    await act('accept-damage', { why: '断电造成，核对无误' });
    expect(open().message?.en).toBe('there is nothing to accept');
  });

  it('a restored journal is told with what is missing; accepting it needs a why, is on record and lets selling be judged anew', async () => {
    let judged = 0;
    w.maintenance = ports({ onChanged: () => (judged += 1) });
    await w.start();
    w.journal.setMeta(
      'condition',
      JSON.stringify({
        kind: 'restored',
        atMs: w.clock.nowMs(),
        why: 'quick_check',
        aside: 'damaged-1',
        restoredSeq: 7,
        lostAfterSeq: 7,
        accepted: false,
        epochGranted: false,
      }),
    );
    w.setService({ blocked: { code: 'JRNL-0106' } });
    expect(w.shown('out-of-service').reason).toBe('JRNL-0106');
    await enter();
    await w.tap('maintenance-tab', 'sync');
    expect(open().blocked).toBe('JRNL-0106');
    expect(open().devices.find((d) => d.id === 'journal')).toMatchObject({
      state: 'hardware-error',
      lastError: 'JRNL-0106',
    });
    expect(open().sync.damage).toMatchObject({
      aside: 'damaged-1',
      restoredSeq: 7,
      lostAfterSeq: 7,
      accepted: false,
    });
    await act('accept-damage', { why: '' });
    expect([open().sync.damage?.accepted, judged]).toEqual([false, 0]);
    await act('accept-damage', { why: '断电造成，核对无误' });
    await w.run(2_500);
    expect([open().sync.damage?.accepted, judged]).toEqual([true, 1]);
    expect(facts('damage-accepted')).toEqual([{ who: WHO, why: '断电造成，核对无误' }]);
    expect(facts('maintenance-action').map((f) => f.action)).toEqual(['accept-damage']);
  });

  it('the bin’s cards are handed over: who took which out is on record, and no customer is told of them any more', async () => {
    w.journal.setMeta('bin', JSON.stringify([{ cardNo: '8800003921', atMs: 1 }]));
    await w.start();
    expect(w.shown('start').keptCards).toBe(1);
    await enter();
    expect(open().binCards).toBe(1);
    await act('empty-bin');
    expect(open().binCards).toBeUndefined();
    await act('empty-bin');
    expect(facts('maintenance-action')).toEqual([
      { who: WHO, action: 'empty-bin', why: '', detail: expect.stringContaining('3921') as string },
    ]);
    await w.start();
    expect(w.shown('start').keptCards).toBeUndefined();
  });

  it('every action is on record with who, and with why where it changes something', async () => {
    w.journal.setMeta('bin', JSON.stringify([{ cardNo: null, atMs: 1 }]));
    w.maintenance = ports({ system: MACHINE });
    await w.start();
    await parkRefund();
    await enter();
    await w.tap('maintenance-tab', 'system');
    await w.run(250);
    const { orderId } = parked();
    const targets: Partial<Record<MaintenanceAction, string>> = {
      'self-test': 'disk',
      'touch-test': '143/144',
      volume: '40',
      brightness: '40',
    };
    for (const action of MAINTENANCE_ACTIONS.filter(
      (a) => a !== 'back-in-service' && a !== 'retry-refund',
    ))
      await act(action, {
        target: targets[action] ?? orderId,
        why: 'because',
        reference: '1234',
      });
    await act('back-in-service', { why: 'because' });
    const done = facts('maintenance-action');
    expect(done.every((f) => f.who === WHO && f.why === 'because')).toBe(true);
    // settled once: the two other ends of the same money no longer apply; and a card is lost only
    // while the order is in doubt
    expect(new Set(done.map((f) => f.action))).toEqual(
      new Set(
        MAINTENANCE_ACTIONS.filter(
          (a) =>
            a !== 'retry-refund' &&
            a !== 'settle-delivered-by-hand' &&
            a !== 'settle-nothing-due' &&
            a !== 'card-lost' &&
            // Its fact is the shift’s own, with his name in it.
            a !== 'close-shift',
        ),
      ),
    );
  });
});

describe('words', () => {
  const failureBody = { code: 'CARD-0203', detail: 'x' };
  const BODIES: { readonly [K in EventKind]: EventBody<K> } = {
    'core-started': { version: '1', node: 'v24', recoveredOrders: 0 },
    'card-seen': { cardNo: '8800003921', layout: 'PL-CPU', count: 41, cumulative: 1, tag: '' },
    'card-left': { cardNo: null, outcome: 'called' },
    'visit-rated': { rating: 'good' },
    'request-made': {
      number: 'RQ-000000000311-1-0001-1234',
      category: 'repair',
      kind: 'repair',
      name: { zh: '报修', en: 'Repair' },
      choice: null,
      slot: null,
      userNo: null,
      madeMs: 1,
      dueMs: 2,
      sealedHash: 'a'.repeat(64),
      policyVersion: 1,
    },
    'card-refused': { cardNo: '8800003921', layout: 'PL-CPU', left: 2 },
    'credit-quoted': {
      userNo: '1',
      payee: 'house',
      amountFen: 100,
      expiresAtMs: 1_800_000_000_000,
      lines: [
        {
          item: 'balance',
          kind: 'balance',
          period: '',
          amountFen: 100,
          terms: { principalFen: 100, lateFeeFen: 0, discountFen: 0 },
        },
      ],
    },
    'credit-posting': { attemptId: 'a' },
    'credit-posted': { reference: 'r', postedMs: 1 },
    'order-quoted': {
      cardNo: '8800003921',
      userNo: '1',
      layout: 'l',
      unit: 'volume',
      nextCount: 42,
      amountFen: 10_000,
      quantity: 3_773,
      shares: [],
      carriedUsedMicro: 0,
      carriedAfterMicro: 0,
      tariffId: 't',
      tariffVersion: 1,
      offline: true,
      tag: '00',
    },
    'attempt-creating': {
      attemptId: 'a',
      provider: 'wechat',
      outTradeNo: 'P1',
      outRefundNo: 'R1',
      amountFen: 10_000,
      expiresAtMs: 1,
    },
    'attempt-pending': { attemptId: 'a' },
    'attempt-paid': { attemptId: 'a', transactionId: 'T', amountFen: 10_000, taken: true },
    'attempt-closing': { attemptId: 'a', why: 'customer' },
    'attempt-closed': { attemptId: 'a' },
    'attempt-refunding': { attemptId: 'a', outRefundNo: 'R1', amountFen: 10_000, why: 'w' },
    'attempt-refunded': { attemptId: 'a', refundId: 'F', amountFen: 10_000 },
    'attempt-parked': { attemptId: 'a', reason: 'refund-refused', failure: failureBody },
    'order-paid': { attemptId: 'a', amountFen: 10_000 },
    'order-delivering': { insertion: 1, before: '00', after: '01', cumulative: 1, plan: [] },
    'order-kept': { insertion: 1, record: '01' },
    'order-in-doubt': { failure: failureBody, wants: 'counter' },
    'order-delivered': { by: 'read-back', count: 42, quantity: 3_773, cumulative: 1 },
    'order-closed': { why: 'expired' },
    'order-refunding': { attemptId: 'a', failure: failureBody },
    'order-refunded': { attemptId: 'a' },
    'order-parked': { reason: 'card-foreign', nextStep: 'counter' },
    'assist-writing': {
      origin: '000000000312',
      cardNo: '8800003921',
      insertion: 1,
      before: '00',
      after: '01',
      count: 42,
      quantity: 1,
      cumulative: 1,
    },
    'assist-kept': { origin: '000000000312', cardNo: '8800003921', insertion: 1, record: '01' },
    'assist-ended': {
      origin: '000000000312',
      cardNo: '8800003921',
      verdict: 'after',
      written: true,
      count: 42,
      quantity: 1,
      cumulative: 1,
    },
    'epoch-began': { previousEpoch: 1, previousSeq: 1, previousHash: '', why: 'w' },
    'journal-restored': {
      aside: 'a',
      why: 'w',
      backupSeq: 1,
      secondLogSeq: 1,
      restoredSeq: 1,
      lostAfterSeq: null,
    },
    'order-restated': { order: {}, attempts: [] },
    'damage-accepted': { who: 'w', why: 'w' },
    'journal-pruned': { epoch: 1, uptoSeq: 1, uptoHash: '', events: 1, orders: 1 },
    'device-changed': { device: 'door', state: 'user-error', usable: true, code: 'DEV-0401' },
    'maintenance-entered': { who: 'w' },
    'maintenance-left': { who: 'w', why: 'idle' },
    'maintenance-refused': { fails: 1, lockedMs: 0 },
    'maintenance-action': { who: 'w', action: 'a', why: 'w' },
    'attempt-refund-retried': { attemptId: 'a', who: 'w', why: 'w' },
    'parked-settled': { attemptId: null, how: 'nothing-due', reference: '1', who: 'w', why: 'w' },
    'slip-printed': { what: 'parked', ok: false },
    'clock-step': { stepMs: 1 },
    'policy-taken': { version: 1 },
    'shift-closed': {
      shift: emptyShift(),
      hash: '0'.repeat(64),
      who: 'core',
      why: '',
    },
    reconciled: {
      date: '2026-11-22',
      provider: 'wechat',
      payments: { count: 1, fen: 1 },
      refunds: { count: 0, fen: 0 },
      reversals: { count: 0, fen: 0 },
      differences: {},
      persons: 0,
    },
  };

  test.each(Object.keys(EVENTS) as EventKind[])('%s has a sentence in both languages', (kind) => {
    const said = sentenceOf(kind, BODIES[kind]);
    expect(said.zh).toMatch(/[\u4e00-\u9fff]/);
    expect(said.en).toMatch(/[a-z]{3}/);
    expect(said.en.replace(/[「」]/g, '')).not.toMatch(/[\u4e00-\u9fff]/);
    expect(`${said.zh}${said.en}`).not.toMatch(/undefined|\[object/);
    expect(storyOf(kind, JSON.parse(JSON.stringify(BODIES[kind])))).toEqual(said);
  });

  it('of a technician’s card it says so', () => {
    const said = (kind: EventKind, body: unknown): string =>
      storyOf(kind, body).zh + storyOf(kind, body).en;
    expect(said('maintenance-entered', { who: 'w', by: 'card' })).toMatch(/技术员卡.*by card/);
    expect(said('maintenance-left', { who: 'w', why: 'card-out' })).toMatch(/取出.*taken out/);
    for (const why of CARD_REFUSALS)
      expect(
        said('maintenance-refused', { fails: 2, lockedMs: 0, card: { who: 'w', why } }),
      ).toMatch(/w 的技术员卡.*try 2$/);
  });

  it('a fact of a kind or shape that is not known is shown by its name', () => {
    expect([storyOf('moon-landed', {}), storyOf('order-paid', { attemptId: 7 })]).toEqual([
      { zh: 'moon-landed', en: 'moon-landed' },
      { zh: 'order-paid', en: 'order-paid' },
    ]);
  });

  it('every reason that an order or attempt is parked for has its words and its way out', () => {
    const kiosk = new URL('../../../src/kiosk/', import.meta.url);
    const source = readdirSync(kiosk, { recursive: true, encoding: 'utf8' })
      .filter((name) => /^(?:orders\.ts|(?:order|delivery)\/.*\.ts)$/.test(name))
      .map((name) => readFileSync(new URL(name, kiosk), 'utf8'))
      .join('\n');
    const reasons = [
      ...source.matchAll(
        /(?:attempt|order)-parked'[^;]*?reason:\s*(?:[^';,]*\?\?\s*)?'([a-z-]+)'/g,
      ),
    ].map((m) => m[1] ?? '');
    expect(new Set(reasons).size).toBeGreaterThan(9);
    for (const reason of reasons) expect(PARKED_REASONS, reason).toContain(reason);
    const order = w.journal.orders()[0];
    expect(order).toBeUndefined();
  });

  it('the engineers’ book explains every parked reason', () => {
    const guide = readFileSync(
      new URL('../../../docs/operating-engineer.zh.md', import.meta.url),
      'utf8',
    );
    for (const reason of PARKED_REASONS) expect(guide, reason).toContain(`\`${reason}\``);
  });

  it('every parked reason names a next step and an action that ends it', async () => {
    await parkRefund();
    const order = w.order();
    const attempt = w.attempt();
    for (const reason of [...PARKED_REASONS, 'something-new']) {
      const ofAttempt = standingOf(order, [{ ...attempt, reason }], false);
      const ofOrder = standingOf({ ...order, reason }, [{ ...attempt, state: 'paid' }], false);
      for (const standing of [ofAttempt, ofOrder]) {
        expect(standing.state).toBe('parked');
        expect(
          [standing.nextStep.zh, standing.nextStep.en].every((t) => t.length > 5),
          reason,
        ).toBe(true);
        expect(
          standing.actions.some((a) => a.startsWith('settle-')),
          reason,
        ).toBe(true);
      }
      // a refund can be asked for again only where there is one
      expect(ofOrder.actions).not.toContain('retry-refund');
      expect(
        orderFacts(
          { ...order, reason },
          [{ ...attempt, state: 'paid' }],
          'retry-refund',
          WHO,
          'w',
          '',
        ),
      ).toBeNull();
    }
  });
});
