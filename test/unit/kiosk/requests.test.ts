import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RequestShown } from '../../../src/shared/contract/index.ts';
import { requestsSchema } from '../../../src/shared/policy-requests.ts';
import type { EventBody } from '../../../src/shared/facts/catalogue.ts';
import {
  openSealed,
  openingKey,
  sealedHash,
  sealingKeyOf,
} from '../../../src/shared/sealed-box.ts';
import { DEMO_REQUESTS } from '../../../src/demo/requests-data.ts';
import { POLICY, T0, World } from '../../support/kiosk-world.ts';

/** What a customer asks the company for: taken by this machine, whatever is away. */
const KEY = openingKey(
  generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
);
const PHONE = '13805586212';
let w: World;

async function start(over: Partial<World['policy']> = {}): Promise<void> {
  w = new World();
  w.policy = { ...POLICY, requests: DEMO_REQUESTS, sealTo: sealingKeyOf(KEY), ...over };
  await w.start();
}
beforeEach(() => start());
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const shown = (): RequestShown => w.shown('request').shown;
const step = (): string => shown().step;
const pick = (at: string, value: string) => w.tap('request-pick', value, { step: at });
const digits = (at: string, value: string) => w.tap('request-digits', value, { step: at });
const facts = (): EventBody<'request-made'>[] =>
  w.central.events
    .filter((e) => e.kind === 'request-made')
    .map((e) => e.body as EventBody<'request-made'>);

/** From the start screen to where a repair is confirmed. */
async function toConfirm(userNo = ''): Promise<void> {
  await w.tap('open', 'request');
  await pick('menu', 'repair');
  await pick('choice', 'stove');
  await digits('phone', PHONE);
  await digits('user', userNo);
}

describe('the tile', () => {
  it('is there exactly where something can be asked for, and central can read what is sealed', async () => {
    expect(w.shown('start').tiles).toContain('request');
    for (const over of [
      { sealTo: undefined },
      { requests: undefined },
      { requests: { ...DEMO_REQUESTS, categories: [] } },
    ]) {
      await w.close();
      await start(over);
      expect(w.shown('start').tiles).not.toContain('request');
    }
  });

  it('a number is left only while something does not work', async () => {
    const callBack = DEMO_REQUESTS.categories.filter((c) => c.kind === 'call-back');
    await w.close();
    await start({ requests: { ...DEMO_REQUESTS, categories: callBack } });
    expect(w.shown('start').tiles).not.toContain('request');
    w.setService({ lineUp: false });
    expect(w.shown('start').tiles).toContain('request');
    w.setService({ lineUp: true, centralUp: false });
    expect(w.shown('start').tiles).toContain('request');
  });
});

describe('making one', () => {
  it('asks one thing after another, and what is keyed in is shown masked', async () => {
    await w.tap('open', 'request');
    expect(shown()).toMatchObject({ step: 'menu', page: 0, pages: 3 });
    expect(w.needs).toEqual({ card: 'out', scanner: false });
    await w.tap('request-page', 9);
    expect(shown()).toMatchObject({ page: 2 });
    await pick('menu', 'repair');
    expect(step()).toBe('choice');
    await pick('choice', 'no-such');
    expect(step()).toBe('choice');
    await pick('choice', 'stove');
    expect(step()).toBe('phone');
    await digits('phone', '12345');
    expect(step()).toBe('phone');
    await digits('phone', PHONE);
    expect(shown()).toEqual({ step: 'user', optional: true, reading: false });
    await digits('user', '1002203344');
    expect(shown()).toMatchObject({
      step: 'confirm',
      choice: { zh: '灶具打不着火' },
      phone: '138 **** 6212',
      userNo: '1002 **** 44',
      dueMs: T0 + 40 * 60_000,
    });
    expect(w.describe()).not.toContain(PHONE);
  });

  it('is durable before the screen says so, printed, and told to central without its number', async () => {
    await toConfirm();
    let durable = 0;
    w.onShow = (s) => {
      if (s.screen === 'request' && s.shown.step === 'made') durable = w.journal.unsynced().events;
    };
    await w.tap('request-submit');
    expect(durable).toBeGreaterThan(0);
    expect(step()).toBe('made');
    await w.until('the paper', () => (shown() as { slip?: string }).slip === 'printed');
    expect(w.printed.at(-1)).toContain('138 **** 6212');
    expect(w.printed.join()).not.toContain(PHONE);
    await w.until('central has it', () => facts().length === 1);
    const [fact] = facts();
    expect(fact).toMatchObject({
      category: 'repair',
      choice: { id: 'stove' },
      userNo: null,
      madeMs: T0,
      dueMs: T0 + 40 * 60_000,
    });
    expect(JSON.stringify(w.central.events)).not.toContain(PHONE);
    const [part] = w.journal.unsentParts(10);
    expect(part?.number).toBe(fact?.number);
    expect(sealedHash(part?.sealed ?? '')).toBe(fact?.sealedHash);
    expect(openSealed([KEY], part?.sealed ?? '', fact?.number ?? '')).toEqual({
      ok: true,
      value: `{"phone":"${PHONE}"}`,
    });
  });

  it('taps in quick succession make one', async () => {
    await toConfirm();
    const { screen, snapshot } = w;
    const twice = { type: 'request-submit', screen, revision: snapshot.revision } as const;
    w.kiosk.intent(twice);
    w.kiosk.intent(twice);
    await w.until('made', () => step() === 'made');
    await w.until('central has it', () => facts().length > 0);
    await w.run(2_000);
    expect(facts()).toHaveLength(1);
  });

  it('a number that was typed for one question answers no other', async () => {
    await w.tap('open', 'request');
    await pick('menu', 'repair');
    await pick('choice', 'stove');
    await digits('phone', PHONE);
    // The second tap of a finger that trembles.
    await digits('phone', PHONE);
    expect(step()).toBe('user');
  });

  it('with central away: the same, and it is told later', async () => {
    w.central.away = true;
    w.setService({ centralUp: false });
    await toConfirm('1002203344');
    await w.tap('request-submit');
    expect(step()).toBe('made');
    await w.run(5_000);
    expect(facts()).toEqual([]);
    w.central.away = false;
    await w.until('central has it', () => facts().length === 1);
  });

  it('is not lost when the process is killed after it was taken, and made once', async () => {
    w.central.away = true;
    await toConfirm();
    await w.tap('request-submit');
    const { ref } = shown() as { ref: string };
    w.kill();
    w.central.away = false;
    await w.start();
    expect(w.journal.unsynced().events).toBeGreaterThan(0);
    await w.until('central has it', () => facts().length === 1);
    expect(facts()[0]?.number.split('-').at(-1)).toBe(ref.slice(-4));
    expect(w.journal.unsentParts(5)).toHaveLength(1);
  });

  it('back and forth, more time, and nobody there', async () => {
    await w.tap('open', 'request');
    await pick('menu', 'repair');
    await pick('choice', 'stove');
    await w.tap('request-back');
    expect(step()).toBe('choice');
    await w.tap('request-back');
    expect(step()).toBe('menu');
    await pick('menu', 'repair');
    await pick('choice', 'stove');
    const before = w.shown('request').deadlineMs ?? 0;
    await w.run(30_000);
    await w.tap('activity');
    expect(w.shown('request').deadlineMs).toBeGreaterThan(before);
    await w.tap('more-time');
    await w.run(100_000);
    expect(w.screen).toBe('start');
    await w.tap('open', 'request');
    expect(step()).toBe('menu');
    await w.tap('exit');
    expect(w.screen).toBe('start');
  });

  it('says on every step whom to call where gas is smelt', async () => {
    await w.close();
    await start({ info: { emergency: '0558-2197777', outages: [], prices: [], papers: [] } });
    const seen: string[] = [];
    w.onShow = (s) => {
      if (s.screen === 'request') seen.push(`${s.shown.step} ${s.emergency}`);
    };
    await toConfirm();
    expect(new Set(seen)).toEqual(
      new Set(['menu', 'choice', 'phone', 'user', 'confirm'].map((at) => `${at} 0558-2197777`)),
    );
  });
});

describe('a day and its half', () => {
  it('those that are full, as central says, cannot be chosen; with central away all can', async () => {
    w.central.fullSlots = [{ date: '2026-11-23', half: 'am' }];
    await w.tap('open', 'request');
    await pick('menu', 'ignition');
    await w.until('central’s word', () => (shown() as { sure?: boolean }).sure === true);
    // T0 is a Sunday.
    expect(shown()).toMatchObject({
      days: [
        {
          date: '2026-11-23',
          halves: [
            { half: 'am', state: 'full' },
            { half: 'pm', state: 'free' },
          ],
        },
        { date: '2026-11-24' },
        { date: '2026-11-25' },
        { date: '2026-11-26' },
      ],
    });
    await pick('slot', '2026-11-23 am');
    expect(step()).toBe('slot');
    await pick('slot', '2026-11-28 am');
    expect(step()).toBe('slot');
    await pick('slot', '2026-11-23 pm');
    expect(step()).toBe('phone');
    await w.tap('exit');
    w.central.away = true;
    await w.tap('open', 'request');
    await pick('menu', 'ignition');
    await w.run(2_000);
    expect(shown()).toMatchObject({ sure: false });
    await pick('slot', '2026-11-23 am');
    expect(step()).toBe('phone');
    w.central.away = false;
  });

  it('one that began while the customer was typing is not taken: he chooses again', async () => {
    const slots = { fromDays: 0, days: 1, perHalfDay: 1, workingDays: false };
    const category = { ...DEMO_REQUESTS.categories[1], slots, userNo: 'none' };
    await w.close();
    w = new World();
    // A minute before one half past in the afternoon.
    w.clock.advance(17.5 * 3_600_000 - 60_000);
    w.policy = {
      ...POLICY,
      sealTo: sealingKeyOf(KEY),
      requests: requestsSchema.parse({ ...DEMO_REQUESTS, categories: [category] }),
    };
    await w.start();
    await w.tap('open', 'request');
    await pick('menu', 'ignition');
    await pick('slot', '2026-11-23 pm');
    await digits('phone', PHONE);
    await w.run(61_000);
    await w.tap('request-submit');
    expect(w.shown('request')).toMatchObject({ problem: 'REQ-0102', shown: { step: 'menu' } });
    await w.run(1_000);
    expect(facts()).toEqual([]);
  });
});

describe('the user number', () => {
  it('has to be told where the policy says so, and a card tells it', async () => {
    await w.tap('open', 'request');
    await pick('menu', 'proxy');
    await pick('slot', '2026-11-23 pm');
    await digits('phone', PHONE);
    expect(shown()).toMatchObject({ step: 'user', optional: false });
    await digits('user', '');
    expect(step()).toBe('user');
    await w.insert('golden');
    await w.until('read', () => step() === 'confirm');
    expect(shown()).toMatchObject({ userNo: '1002 **** 44' });
    // Its owner takes it, and goes on.
    await w.remove();
    expect(step()).toBe('confirm');
    await w.tap('request-submit');
    await w.until('central has it', () => facts().length === 1);
    expect(facts()[0]?.userNo).toBe('1002203344');
  });

  it('a card at any other step begins its own visit', async () => {
    await w.tap('open', 'request');
    await pick('menu', 'repair');
    await w.insert('golden');
    await w.untilScreen('amount');
    await w.remove();
  });
});

describe('limits', () => {
  it('so many a visit, then a code; the next visit has its own', async () => {
    await w.close();
    await start({ requests: { ...DEMO_REQUESTS, perVisit: 1 } });
    await toConfirm();
    await w.tap('request-submit');
    await w.tap('request-back');
    await pick('menu', 'repair');
    expect(w.shown('request')).toMatchObject({ problem: 'REQ-0101', shown: { step: 'menu' } });
    await w.tap('exit');
    await toConfirm();
    await w.tap('request-submit');
    expect(step()).toBe('made');
  });

  it('so many an hour, across restarts', async () => {
    await w.close();
    await start({ requests: { ...DEMO_REQUESTS, perHour: 1 } });
    await toConfirm();
    await w.tap('request-submit');
    expect(step()).toBe('made');
    w.kill();
    await w.start();
    await toConfirm();
    await w.tap('request-submit');
    expect(w.shown('request')).toMatchObject({ problem: 'REQ-0101', shown: { step: 'menu' } });
    await w.tap('exit');
    await w.run(3_600_000);
    await toConfirm();
    await w.tap('request-submit');
    expect(step()).toBe('made');
  });

  it('the policy may change under the customer: he is told, and begins again', async () => {
    await toConfirm();
    w.setService({ policy: { ...w.policy, requests: undefined } });
    await w.tap('request-submit');
    expect(w.shown('request')).toMatchObject({ problem: 'REQ-0102', shown: { step: 'menu' } });
    await w.run(1_000);
    expect(facts()).toEqual([]);
  });

  it('outside of its days a thing cannot be asked for', async () => {
    await w.tap('open', 'request');
    const heating = DEMO_REQUESTS.categories.map((c) =>
      c.id === 'stop-heating' ? { ...c, window: { from: '2026-09-01', to: '2026-10-31' } } : c,
    );
    w.setService({ policy: { ...w.policy, requests: { ...DEMO_REQUESTS, categories: heating } } });
    await w.tap('request-page', 2);
    expect(shown()).toMatchObject({
      categories: [
        { id: 'stop-heating', open: false },
        { id: 'resume-heating', open: true },
        { kind: 'outage-sms' },
        { kind: 'outage-sms-stop' },
      ],
    });
    await pick('menu', 'stop-heating');
    expect(step()).toBe('menu');
  });
});

describe('how one stands', () => {
  const ref = '031100010001';
  const look = async (last4: string): Promise<void> => {
    await w.tap('open', 'request');
    await w.tap('request-find');
    await w.tap('request-look', ref, { last4 });
    await w.until('an answer', () => (shown() as { state?: string }).state !== 'asking');
  };
  it('by its number and the end of the telephone number; else nothing is found', async () => {
    w.central.requests.set(`${ref} 6212`, {
      ref,
      name: { zh: '报修', en: 'Repair' },
      choice: null,
      slot: null,
      state: 'scheduled',
      reply: '王师傅上午到',
      dueMs: T0,
    });
    await look('6212');
    expect(shown()).toMatchObject({
      step: 'status',
      state: 'scheduled',
      reply: '王师傅上午到',
      ref: '0311 0001 0001',
    });
    // An answer to other digits, asked for before, that comes late.
    const told = { news: 'looked', ref, last4: '0000', result: { ok: true, value: null } } as const;
    w.kiosk.dispatch({ type: 'request', told });
    expect(shown()).toMatchObject({ step: 'status', state: 'scheduled' });
    await w.tap('exit');
    await look('6213');
    expect(shown()).toMatchObject({ step: 'status', state: 'not-found', name: null });
    await w.tap('exit');
    w.central.away = true;
    await look('6212');
    expect(shown()).toMatchObject({ state: 'no-answer', reply: null });
    w.central.away = false;
  });
});

describe('messages of interruptions', () => {
  it('are asked for by area and mobile, agreed to, and durable with the line cut; no land line is taken', async () => {
    w.central.away = true;
    await w.tap('open', 'request');
    await pick('menu', 'outage-sms');
    expect(shown()).toMatchObject({ step: 'choice' });
    await pick('choice', 'qinghe');
    expect(shown()).toEqual({ step: 'phone', mobile: true });
    await digits('phone', '05582197777');
    expect(shown()).toMatchObject({ step: 'phone' });
    await digits('phone', PHONE);
    expect(shown()).toMatchObject({
      step: 'confirm',
      sms: 'subscribe',
      phone: '138 **** 6212',
    });
    await w.tap('request-submit');
    await w.until('it is made', () => step() === 'made');
    expect(shown()).toMatchObject({ sms: 'subscribe' });
    await w.until('a slip', () => w.printed.length > 0);
    expect(w.printed.join('')).toContain('回复 T');
    expect(w.printed.join('')).not.toContain('最迟答复');
    w.central.away = false;
    await w.until('central has it', () => facts().length > 0);
    expect(facts()).toMatchObject([{ kind: 'outage-sms', choice: { id: 'qinghe' } }]);
    expect(JSON.stringify(facts())).not.toContain(PHONE);
  });

  it('are stopped by the mobile alone', async () => {
    await w.tap('open', 'request');
    await pick('menu', 'outage-sms-stop');
    await digits('phone', PHONE);
    expect(shown()).toMatchObject({ step: 'confirm', sms: 'stop', choice: null });
    await w.tap('request-submit');
    await w.until('it is made', () => step() === 'made');
    await w.until('a slip', () => w.printed.length > 0);
    expect(w.printed.join('')).toContain('不再给这个号码发停气短信');
  });
});
