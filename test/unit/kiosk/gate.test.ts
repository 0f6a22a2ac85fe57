import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure } from '../../../src/shared/errors.ts';
import { err } from '../../../src/shared/result.ts';
import type { KioskState } from '../../../src/kiosk/state/kiosk.ts';
import { binAfter, onCaptured, settleLeft } from '../../../src/kiosk/visit/left-card.ts';
import { World } from '../../support/kiosk-world.ts';
import type { Motor } from '../../support/kiosk-world.ts';

let w: World;
let motor: Motor;
beforeEach(async () => {
  w = new World();
  motor = { accepting: null, ejected: [], jams: 0 };
  w.slot.motor = motor;
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

describe('a motor reader', () => {
  it('holds the card until it is written, gives it back once, and thanks when it is taken', async () => {
    expect(motor.accepting).toBe(true);
    await w.toPay('golden');
    expect(motor.ejected).toEqual([]);
    w.pay.pay();
    await w.untilScreen('done');
    await w.run(500);
    expect(motor.ejected).toEqual([1]);
    expect(w.shown('done').cardOut).toBe(false);
    await w.run(60_000);
    // Held out and not taken: it is neither swallowed nor told to leave again, and the screen
    // stays.
    expect(motor.ejected).toEqual([1]);
    expect(w.screen).toBe('done');
    await w.remove();
    await w.run(100);
    expect(w.shown('done').cardOut).toBe(true);
    await w.untilScreen('start');
  });

  it('gives back what it does not sell to, and after a cancelled payment', async () => {
    w.replaceCard('good', { selectSw: '6283' });
    await w.insert('good');
    await w.untilScreen('cannot-sell');
    await w.run(100);
    expect(motor.ejected).toEqual([1]);
    await w.remove();
    await w.untilScreen('start');
    await w.toPay('golden');
    await w.tap('cancel');
    await w.untilScreen('cancelled');
    await w.run(500);
    expect(motor.ejected).toEqual([1, 2]);
  });

  it('stuck: told, and tried again until it comes', async () => {
    motor.jams = 2;
    w.replaceCard('good', { selectSw: '6283' });
    await w.insert('good');
    await w.untilScreen('cannot-sell');
    await w.run(11_000);
    expect(motor.ejected).toEqual([1, 1, 1]);
    await w.run(20_000);
    expect(motor.ejected).toEqual([1, 1, 1]);
  });

  it('shut while the kiosk is out of service', async () => {
    w.setService({ blocked: { code: 'JRNL-0104' } });
    await w.untilScreen('out-of-service');
    await w.run(100);
    expect(motor.accepting).toBe(false);
    w.setService({ blocked: null });
    await w.untilScreen('start');
    await w.run(100);
    expect(motor.accepting).toBe(true);
  });
});

describe('a card that nobody takes', () => {
  const outcomes = (): unknown[] =>
    w.central.events
      .filter((e) => e.kind === 'card-left')
      .map((e) => (e.body as { outcome: string }).outcome);
  /** Bought, written, and left in the gate. */
  async function left(change: Partial<Motor> = {}): Promise<void> {
    motor = { accepting: null, ejected: [], jams: 0, ...change };
    w.slot.motor = motor;
    await w.start();
    await w.toPay('golden');
    w.pay.pay();
    await w.untilScreen('done');
  }

  it('is taken in after its time, told on the screen and by slip, across a restart, until a technician has it', async () => {
    await left({ bin: [] });
    await w.run(590_000);
    expect(motor.bin).toHaveLength(0);
    const { length } = w.printed;
    await w.run(20_000);
    expect(motor.bin).toEqual([w.card('golden')]);
    expect(w.kinds().filter((k) => k === 'card-left')).toHaveLength(1);
    expect(w.printed.slice(length).join('')).toContain('卡已收进机器');
    await w.untilScreen('start');
    expect(w.shown('start').keptCards).toBe(1);
    // The next customer is served, and the owner still finds it said.
    await w.insert('good');
    await w.untilScreen('amount');
    await w.remove();
    await w.start();
    await w.untilScreen('start');
    expect(w.shown('start').keptCards).toBe(1);
    expect(outcomes()).toEqual(['capturing']);
  });

  it.each([
    ['in-doubt', '8800003921', '8800003921', 'called'],
    ['paid', '8800003921', '8800003921', 'called'],
    ['collecting', '8800003921', '8800003921', 'called'],
    ['in-doubt', '8800003921', null, 'called'],
    ['in-doubt', '8800003921', '8800003933', 'capturing'],
    ['refunding', '8800003921', '8800003921', 'capturing'],
  ] as const)('with an order %s of %s, card %s: %s', (state, of, cardNo, outcome) => {
    const order = { orderId: 'o', state, sale: { kind: 'card', cardNo: of } };
    const lying = {
      session: { at: 'take-card', deadlineMono: 0 },
      maintenance: { mode: { at: 'idle' } },
      reader: { state: 'leaving', insertion: 1 },
      card: null,
      cardBusy: false,
      orders: new Map([['o', { order, writing: false }]]),
      service: { policy: null },
      bin: { motor: true, cards: [] },
      left: { insertion: 1, cardNo, sinceMono: 0, told: null },
    } as unknown as KioskState;
    const at = (monoMs: number): readonly unknown[] =>
      settleLeft(lying, { nowMs: 0, monoMs, terminalId: '000000000311' }).effects;
    expect(at(599_999)).toEqual([]);
    const fact = { kind: 'card-left', orderId: null, body: { cardNo, outcome } };
    expect(at(600_000)[0]).toEqual({ do: 'journal', events: [fact] });
    expect(at(600_000).length).toBe(outcome === 'capturing' ? 2 : 1);
    // What is written is not looked at at all.
    const busy = { ...lying, orders: new Map([['o', { order, writing: true }]]) };
    const now = { nowMs: 0, monoMs: 9_000_000, terminalId: '000000000311' };
    expect(settleLeft(busy as unknown as KioskState, now).effects).toEqual([]);
  });

  it.each([
    ['CARD-0111', 0],
    // Lost with the reader: it may have gone in.
    ['CARD-0107', 1],
  ] as const)(
    'a card that its customer takes in that very instant (%s): %i in the bin',
    (code, kept) => {
      const gone = { left: null } as unknown as KioskState;
      const result = err(failure(code));
      const { effects } = onCaptured(gone, { type: 'captured', insertion: 1, cardNo: '8', result });
      const began = [
        { kind: 'card-left', orderId: null, body: { cardNo: '7', outcome: 'capturing' } },
        { kind: 'card-left', orderId: null, body: { cardNo: '8', outcome: 'capturing' } },
        { kind: 'card-left', orderId: null, body: { cardNo: '9', outcome: 'capturing' } },
      ] as const;
      const told = effects.flatMap((e) => (e.do === 'journal' ? e.events : []));
      const bin = binAfter({ motor: true, cards: [] }, [...began, ...told], 0);
      expect(bin.cards.map((c) => c.cardNo)).toEqual(kept === 1 ? ['7', '8', '9'] : ['7', '9']);
    },
  );

  it('a full bin takes no card: it is held out again, an alarm tells, and ends with the card', async () => {
    await left({ bin: [], room: 0 });
    await w.run(610_000);
    expect(motor.ejected).toEqual([1, 1]);
    expect(w.kinds().filter((k) => k === 'card-left')).toHaveLength(2);
    await w.remove();
    await w.untilScreen('start');
    expect(w.shown('start').keptCards).toBeUndefined();
    await w.run(10_000);
    expect(outcomes()).toEqual(['capturing', 'not-captured', 'taken']);
  });

  it('pulled by hand: the screen asks for it, and staff are called once', async () => {
    w.slot.motor = null;
    await w.start();
    w.replaceCard('good', { selectSw: '6283' });
    await w.insert('good');
    await w.untilScreen('cannot-sell');
    await w.run(3 * 660_000);
    expect(w.screen).toBe('take-card');
    expect(outcomes()).toEqual(['called']);
    await w.remove();
    await w.run(10_000);
    expect(outcomes()).toEqual(['called', 'taken']);
  });

  it('held out since before a restart: asked for, and taken in after its time', async () => {
    await left({ bin: [] });
    await w.run(60_000);
    expect(motor.ejected).toEqual([1]);
    await w.start();
    await w.untilScreen('take-card');
    await w.run(590_000);
    expect(motor.bin).toHaveLength(0);
    expect(w.screen).toBe('take-card');
    await w.run(20_000);
    expect(motor.bin).toEqual([w.card('golden')]);
    await w.untilScreen('start');
    expect(w.shown('start').keptCards).toBe(1);
    await w.run(10_000);
    expect(outcomes()).toEqual(['capturing']);
  });

  it('called for at a full bin, and the machine started anew: its time begins anew, and it is gone when it goes', async () => {
    await left({ bin: [], room: 0 });
    await w.run(610_000);
    motor.room = 20;
    await w.start();
    await w.run(590_000);
    expect(motor.bin).toHaveLength(0);
    expect(outcomes()).toEqual(['capturing', 'not-captured']);
    await w.run(20_000);
    expect(motor.bin).toHaveLength(1);
    await w.run(10_000);
    expect(outcomes()).toEqual(['capturing', 'not-captured', 'capturing']);
  });

  it('called for, and taken while the machine was off or its reader lost: the alarm ends all the same', async () => {
    w.slot.motor = null;
    await w.start();
    w.replaceCard('good', { selectSw: '6283' });
    await w.insert('good');
    await w.untilScreen('cannot-sell');
    await w.run(660_000);
    expect(outcomes()).toEqual(['called']);
    // What nobody sees is not said to be gone.
    w.slot.offline(true);
    await w.run(10_000);
    expect(outcomes()).toEqual(['called']);
    w.slot.card = null;
    for (let starts = 0; starts < 2; starts++) {
      await w.start();
      await w.run(10_000);
      expect(outcomes()).toEqual(['called', 'taken']);
    }
  });

  it.each([
    [true, 'capturing'],
    [false, 'called'],
  ] as const)('called for its order’s sake, which ends in the night (bin %s): %s', (bin, then) => {
    const order = (state: string) => ({
      order: { orderId: 'o', state, sale: { kind: 'card', cardNo: '8800003921' } },
      writing: false,
    });
    let state = {
      session: { at: 'take-card', deadlineMono: 0 },
      maintenance: { mode: { at: 'idle' } },
      reader: { state: 'leaving', insertion: 1 },
      card: null,
      cardBusy: false,
      orders: new Map([['o', order('in-doubt')]]),
      service: { policy: null },
      bin: { motor: bin, cards: [] },
      left: { insertion: 1, cardNo: '8800003921', sinceMono: 0, told: null },
    } as unknown as KioskState;
    const told = (monoMs: number): readonly unknown[] => {
      const settled = settleLeft(state, { nowMs: 0, monoMs, terminalId: '000000000311' });
      ({ state } = settled);
      wakes = settled.wakeAtMono;
      return settled.effects.flatMap((e) =>
        e.do === 'journal' ? e.events.map((f) => (f.body as { outcome: string }).outcome) : [e.do],
      );
    };
    let wakes: number | null = null;
    expect(told(600_000)).toEqual(['called']);
    expect(told(3_000_000)).toEqual([]);
    expect(wakes).toBeNull();
    // It ends: whoever waits for the end gets the whole time to take the card.
    state = { ...state, orders: new Map([['o', order('refunded')]]) } as unknown as KioskState;
    expect(told(4_000_000)).toEqual([]);
    expect(wakes).toBe(4_600_000);
    expect(told(4_599_999)).toEqual([]);
    expect(told(4_600_000)).toEqual(then === 'capturing' ? ['capturing', 'capture'] : ['called']);
    expect(told(9_000_000)).toEqual([]);
    // Taken after all: the alarm ends where there is one.
    state = { ...state, reader: { ...state.reader, state: 'empty' } };
    expect(told(9_000_001)).toEqual(then === 'capturing' ? [] : ['taken']);
  });

  it('the policy says after how long', async () => {
    w.policy = { ...w.policy, captureAfterMs: 60_000 };
    await left({ bin: [] });
    await w.run(70_000);
    expect(motor.bin).toHaveLength(1);
  });
});
