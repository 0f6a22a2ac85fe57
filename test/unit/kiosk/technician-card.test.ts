import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pl4442Layout, plCpuLayout, technicianOf } from '../../../src/card/index.ts';
import type { KeyProvider } from '../../../src/card/index.ts';
import { CARD_OUT_MS, IDLE_MS, PIN_IDLE_MS } from '../../../src/kiosk/maintenance/step.ts';
import type { MaintenancePorts } from '../../../src/kiosk/maintenance/run.ts';
import type { EventBody, EventKind } from '../../../src/shared/facts/catalogue.ts';
import { DEMO_USER } from '../../../src/demo/technician.ts';
import {
  sampleCard,
  issueTechnician as technicianState,
} from '../../../src/simulator/card/catalogue.ts';
import { CpuCard, counterRandom } from '../../../src/simulator/card/cpu-card.ts';
import type { CpuCardState } from '../../../src/simulator/card/cpu-card.ts';
import { issue4442 } from '../../../src/simulator/card/issue-4442.ts';
import { Sle4442 } from '../../../src/simulator/card/sle4442.ts';
import { AcsReader } from '../../../src/simulator/reader/acs.ts';
import { World } from '../../support/kiosk-world.ts';
import { demoKeys } from '../card/rig.ts';

const { name: WHO, pin: PIN, card: CARD_NO } = DEMO_USER;
/** The PIN of this card's own: not the one at the corner. */
const CARD_PIN = '847291';
const MEMORY_NO = '8800009105';
const OTHER = '赵工';

let w: World;
let keys: KeyProvider;
let checks: number;

const ports = (more: Partial<MaintenancePorts> = {}): MaintenancePorts => ({
  version: '9.9.9',
  enabled: true,
  cards: new Map([
    [CARD_NO, WHO],
    [MEMORY_NO, WHO],
  ]),
  // 5555 is another user's, and comes first among all of them.
  checkPin: (pin, of) => {
    checks += 1;
    const whose = [
      { name: OTHER, pin: '5555' },
      { name: WHO, pin: PIN },
    ].find((u) => u.pin === pin && (of === undefined || u.name === of));
    return Promise.resolve(whose?.name ?? null);
  },
  verify: () => Promise.resolve({ ok: true, problems: [] }),
  scratch: () => Promise.resolve(1),
  uploadNow: () => undefined,
  onChanged: () => undefined,
  maxClockSkewMs: () => 60_000,
  ...more,
});

/** A technician's card; `own`: what is not as the company issues it. */
function technician(own: Partial<CpuCardState> = {}, cardNo: string = CARD_NO): CpuCard {
  return new CpuCard(
    {
      ...sampleCard('technician').make().toJSON(),
      technician: technicianState(cardNo, CARD_PIN),
      ...own,
    },
    counterRandom(5),
  );
}
const memoryTechnician = (mark = '81'): AcsReader =>
  new AcsReader(new Sle4442(issue4442({ cardNo: MEMORY_NO, userNo: '0000000000', mark })), 'ccid');

beforeEach(async () => {
  checks = 0;
  keys = demoKeys;
  w = new World();
  w.keys = () => keys;
  w.maintenance = ports();
  await restart();
});
async function restart(): Promise<void> {
  w.layouts = [pl4442Layout(keys), plCpuLayout(keys)];
  await w.start();
}
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const facts = <K extends EventKind>(kind: K): EventBody<K>[] => {
  const all = w.journal.unsent(10_000)?.events ?? [];
  return [...w.central.events, ...all]
    .filter((e, at, list) => e.kind === kind && list.findIndex((x) => x.seq === e.seq) === at)
    .map((e) => e.body as EventBody<K>);
};
async function insert(card: CpuCard | AcsReader): Promise<void> {
  w.slot.insert(card);
  await w.run(250);
}
/** The PIN, and the moment that its check takes. */
async function enter(pin: string): Promise<void> {
  await w.tap('enter-pin', pin);
  await w.until(
    'an answer',
    () => w.screen !== 'maintenance-pin' || !w.shown('maintenance-pin').busy,
  );
}
const commands = (card: CpuCard, ins: string): string[] =>
  card.transcript.filter((line) => line.startsWith(`=> 00${ins}`));

describe('a technician’s card with a chip', () => {
  it('opens maintenance by its own PIN, which the kiosk does not know; the journal says who, and that it was the card', async () => {
    const card = technician();
    await insert(card);
    expect(w.shown('maintenance-pin')).toMatchObject({
      card: { who: WHO, problem: null },
      wrong: false,
    });
    await enter(CARD_PIN);
    expect(w.shown('maintenance')).toMatchObject({ who: WHO, tab: 'devices' });
    expect(facts('maintenance-entered')).toEqual([{ who: WHO, by: 'card' }]);
    expect([checks, commands(card, '20').length, commands(card, '88').length]).toEqual([0, 2, 1]);
    // What was verified is forgotten: nothing that comes later in this insertion stands on it.
    expect(card.transcript.at(-1)).toBe('-- reset');
    await w.tap('exit');
    expect(w.screen).toBe('take-card');
    await w.remove();
    expect(w.screen).toBe('start');
    expect(facts('maintenance-left')).toEqual([{ who: WHO, why: 'exit' }]);
  });

  it('a wrong PIN is the card’s to count, and the kiosk’s too; the last try is never spent', async () => {
    const card = technician();
    await insert(card);
    await enter('111111');
    expect(w.shown('maintenance-pin')).toMatchObject({
      card: { problem: 'wrong' },
      wrong: true,
      lockedUntilMs: null,
    });
    await enter(PIN);
    expect(w.shown('maintenance-pin').card).toEqual({ who: WHO, ownPin: true, problem: 'locked' });
    expect(card.toJSON().technician?.tries).toBe(1);
    // Nothing that is typed reaches it any more, the right one neither.
    await enter(CARD_PIN);
    expect([w.screen, card.toJSON().technician?.tries, commands(card, '20').length]).toEqual([
      'maintenance-pin',
      1,
      4,
    ]);
    expect(facts('maintenance-refused')).toEqual([
      { fails: 1, lockedMs: 0, card: { who: WHO, why: 'wrong' } },
      { fails: 2, lockedMs: 0, card: { who: WHO, why: 'locked' } },
    ]);
    // Put in anew: the counter is read, and nothing presented.
    await w.remove();
    await insert(card);
    await enter(CARD_PIN);
    expect(w.shown('maintenance-pin').card?.problem).toBe('locked');
    expect(card.toJSON().technician?.tries).toBe(1);
    expect(w.shown('maintenance-pin').lockedUntilMs).toBe(w.clock.nowMs() + 30_000);
  });

  it('the right PIN gives the tries back, at the card and at the kiosk', async () => {
    const card = technician();
    await insert(card);
    await enter('111111');
    await enter(CARD_PIN);
    expect([w.screen, card.toJSON().technician?.tries]).toEqual(['maintenance', 3]);
    await w.tap('exit');
    await w.remove();
    await w.tap('open-maintenance');
    await enter('1111');
    expect(facts('maintenance-refused').at(-1)).toEqual({ fails: 1, lockedMs: 0 });
  });

  it('wrong tries at a card are counted there, kept over restarts, and cost half a minute; the corner is free', async () => {
    for (let n = 0; n < 3; n++) {
      await insert(technician());
      await enter('111111');
      await w.remove();
      w.kill();
      await w.start();
    }
    await w.tap('open-maintenance');
    expect(w.shown('maintenance-pin').lockedUntilMs).toBeNull();
    await w.tap('exit');
    const card = technician();
    await insert(card);
    expect(w.shown('maintenance-pin').lockedUntilMs).toBeGreaterThan(w.clock.nowMs() + 28_000);
    await enter(CARD_PIN);
    expect([w.screen, commands(card, '20').length]).toEqual(['maintenance-pin', 0]);
    await w.run(30_000);
    await enter(CARD_PIN);
    expect(w.screen).toBe('maintenance');
  });

  it.each([
    [
      'another company’s card under the same number',
      { technician: { ...technicianState(CARD_NO, CARD_PIN), key: '5A'.repeat(16) } },
    ],
    [
      'a card that holds a customer’s key of this number',
      {
        technician: {
          ...technicianState(CARD_NO, CARD_PIN),
          key: sampleCard('technician').make().toJSON().authKey,
        },
      },
    ],
    [
      'another technician’s card with its number changed',
      { technician: technicianState('8800009102', CARD_PIN) },
    ],
  ] satisfies [string, Partial<CpuCardState>][])(
    '%s takes its PIN, cannot prove itself, and opens nothing',
    async (_what, own) => {
      await insert(technician(own));
      await enter(CARD_PIN);
      expect(w.shown('maintenance-pin').card).toEqual({
        who: WHO,
        ownPin: true,
        problem: 'not-ours',
      });
      await enter(CARD_PIN);
      expect(facts('maintenance-refused')).toEqual([
        { fails: 1, lockedMs: 0, card: { who: WHO, why: 'not-ours' } },
      ]);
      expect(facts('maintenance-entered')).toEqual([]);
    },
  );

  it('a copy of the number alone, on a chip without PIN and key, opens nothing', async () => {
    const { technician: _none, ...copied } = technician().toJSON();
    await insert(new CpuCard(copied, counterRandom(1)));
    await enter(CARD_PIN);
    expect(w.shown('maintenance-pin').card?.problem).toBe('no-answer');
    expect(facts('maintenance-refused')).toHaveLength(1);
  });

  it('a go-between that takes every PIN gets no proof out of the stolen card behind it', async () => {
    const stolen = technician();
    const between = {
      insert: () => stolen.insert(),
      remove: () => stolen.remove(),
      reset: () => stolen.reset(),
      answerToReset: () => stolen.answerToReset(),
      powerOff: () => stolen.powerOff(),
      process: (apdu: Uint8Array) =>
        apdu[1] === 0x20 && apdu.length > 4
          ? { kind: 'answer' as const, bytes: Uint8Array.of(0x90, 0x00) }
          : stolen.process(apdu),
    };
    w.slot.insert(between);
    await w.run(250);
    await enter('123123');
    expect(w.shown('maintenance-pin').card?.problem).toBe('not-ours');
    expect(stolen.toJSON().technician?.tries).toBe(3);
  });

  it('keys that cannot be reached judge nobody: asked again, then let in', async () => {
    let down = true;
    keys = {
      ...demoKeys,
      checkTechnician: (...a) =>
        down
          ? Promise.resolve({ ok: false, error: { code: 'CARD-0206' } })
          : demoKeys.checkTechnician(...a),
    };
    await restart();
    await insert(technician());
    await enter(CARD_PIN);
    expect(w.shown('maintenance-pin').card?.problem).toBe('no-answer');
    down = false;
    await enter(CARD_PIN);
    expect(w.screen).toBe('maintenance');
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'pulled at command %i of the check: nothing is open, the try counts, and it works again',
    async (at) => {
      const card = technician();
      await insert(card);
      card.arm({ kind: 'tear', at, when: 'after', from: 'arming' });
      await w.tap('enter-pin', CARD_PIN);
      await w.run(1_000);
      expect(w.screen).toBe('start');
      expect(facts('maintenance-entered')).toEqual([]);
      expect(facts('maintenance-refused')).toEqual([
        { fails: 1, lockedMs: 0, card: { who: WHO, why: 'no-answer' } },
      ]);
      card.disarm();
      await insert(card);
      await enter(CARD_PIN);
      expect(w.screen).toBe('maintenance');
    },
  );

  it('a kill in the middle of the check is no free try, and the card that is still in asks again', async () => {
    const card = technician();
    await insert(card);
    await w.tap('enter-pin', '111111');
    w.kill();
    await w.start();
    await w.run(250);
    expect(w.shown('maintenance-pin').card?.who).toBe(WHO);
    await enter('222222');
    expect(facts('maintenance-refused').at(-1)?.fails).toBe(2);
  });

  it('a restart ends it, and says so; the card is asked for its PIN anew', async () => {
    const card = technician();
    await insert(card);
    await enter(CARD_PIN);
    w.kill();
    await w.start();
    await w.run(250);
    expect(facts('maintenance-left')).toEqual([{ who: WHO, why: 'restart' }]);
    expect(w.screen).toBe('maintenance-pin');
  });

  it('taken out, it closes after a moment; a card that comes in meanwhile changes nothing, and is to be taken first', async () => {
    await insert(technician());
    await enter(CARD_PIN);
    await w.remove();
    expect(w.shown('maintenance')).toMatchObject({
      message: { zh: expect.stringContaining('技术员卡已取出') as unknown },
      deadlineMs: w.clock.nowMs() + CARD_OUT_MS,
    });
    await w.insert('golden');
    await w.run(CARD_OUT_MS - 500);
    await w.tap('more-time');
    expect(w.screen).toBe('maintenance');
    await w.run(750);
    expect(w.screen).toBe('take-card');
    expect(facts('maintenance-left')).toEqual([{ who: WHO, why: 'card-out' }]);
    await w.remove();
  });

  it('a reader that is away does not close it; the idle time does', async () => {
    await insert(technician());
    await enter(CARD_PIN);
    w.slot.offline(true);
    await w.run(CARD_OUT_MS + 1_000);
    expect(w.screen).toBe('maintenance');
    await w.run(IDLE_MS);
    expect(facts('maintenance-left')).toEqual([{ who: WHO, why: 'idle' }]);
    await w.remove();
  });

  it('the PIN’s screen closes by itself, or by 返回, and the card is to be taken', async () => {
    await insert(technician());
    await w.run(PIN_IDLE_MS + 250);
    expect(w.screen).toBe('take-card');
    await w.remove();
    await insert(technician());
    await w.tap('exit');
    expect(w.screen).toBe('take-card');
    await w.remove();
    expect(w.screen).toBe('start');
    await insert(technician());
    await w.remove();
    expect(w.screen).toBe('start');
  });

  it('a motor reader holds it while its PIN is asked for and while maintenance is open, and gives it back at the end', async () => {
    const motor = { accepting: false, ejected: [], jams: 0 };
    w.slot.motor = motor;
    await w.start();
    await insert(technician());
    expect(motor.ejected).toEqual([]);
    await enter(CARD_PIN);
    expect([w.screen, motor.ejected]).toEqual(['maintenance', []]);
    await w.tap('exit');
    await w.run(250);
    expect(motor.ejected).toHaveLength(1);
    await w.remove();
  });

  it('is a staff card like any other where it is nobody’s, and in a visit that is not about to begin', async () => {
    await insert(
      technician({
        files: {
          ...technician().toJSON().files,
          '15': (technician().toJSON().files['15'] ?? '').replace(CARD_NO, '8800009109'),
        },
      }),
    );
    expect(w.shown('cannot-sell').reason).toBe('CARD-0109');
    await w.remove();
    w.maintenance = ports({ enabled: false });
    await restart();
    await insert(technician());
    expect(w.shown('cannot-sell').reason).toBe('CARD-0109');
    await w.remove();
    w.maintenance = ports();
    await restart();
    // A paid order waits for its own card; his is a visit of its own.
    await w.toPay('golden');
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    await w.untilScreen('in-doubt');
    const card = technician();
    await insert(card);
    expect([w.screen, commands(card, '20')]).toEqual(['cannot-sell', []]);
    await w.remove();
    await w.insert('golden');
    await w.untilScreen('done');
    await w.remove();
  });
});

describe('a technician’s memory card', () => {
  it('asks for the PIN of the person whom the configuration gives it, and only his opens', async () => {
    await insert(memoryTechnician());
    expect(w.shown('maintenance-pin').card).toEqual({ who: WHO, ownPin: false, problem: null });
    await enter('5555');
    expect(w.shown('maintenance-pin').card?.problem).toBe('wrong');
    await enter(PIN);
    expect(facts('maintenance-entered')).toEqual([{ who: WHO, by: 'card' }]);
  });

  it('other marks are staff cards as before; so is one that is not whole', async () => {
    await insert(memoryTechnician('80'));
    expect(w.shown('cannot-sell').reason).toBe('CARD-0109');
    await w.remove();
    const broken = new Sle4442(issue4442({ cardNo: MEMORY_NO, userNo: '0000000000', mark: '81' }));
    broken.poke(0x2f, Uint8Array.of(0x00));
    await insert(new AcsReader(broken, 'ccid'));
    expect(w.shown('cannot-sell').reason).toBe('CARD-0109');
    await w.remove();
  });
});

it('only a CARD-0109 tells of a technician', () => {
  expect(technicianOf({ ok: false, error: { code: 'CARD-0109' } })).toBeNull();
  expect(technicianOf({ ok: true, value: 1 })).toBeNull();
});
