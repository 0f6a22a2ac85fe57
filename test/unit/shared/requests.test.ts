import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import { maskPhone, maskUserNo } from '../../../src/shared/mask.ts';
import {
  isInWindow,
  isOffered,
  offeredDays,
  requestsSchema,
} from '../../../src/shared/policy-requests.ts';
import type { RequestCategory } from '../../../src/shared/policy-requests.ts';
import { isPhone, isUserNo } from '../../../src/shared/requests.ts';
import {
  openSealed,
  openingKey,
  sealTo,
  sealedHash,
  sealingKey,
  sealingKeyOf,
} from '../../../src/shared/sealed-box.ts';
import {
  afterWorkingDays,
  dueAt,
  dueText,
  isWorkingDay,
} from '../../../src/shared/working-days.ts';

const china = (text: string): number => Date.parse(`${text}+08:00`);
/** 国庆 2026: off to the 7th, and Saturday the 10th is worked for it. */
const CALENDAR = {
  off: ['2026-10-01', '2026-10-02', '2026-10-05', '2026-10-06', '2026-10-07'],
  on: ['2026-10-10'],
};
const NONE = { off: [], on: [] };

describe('working days', () => {
  it('are Monday to Friday, but for holidays, and the weekend days that are worked for them', () => {
    expect(isWorkingDay('2026-11-27', NONE)).toBe(true);
    expect(isWorkingDay('2026-11-28', NONE)).toBe(false);
    expect(isWorkingDay('2026-11-29', NONE)).toBe(false);
    expect(isWorkingDay('2026-10-06', CALENDAR)).toBe(false);
    expect(isWorkingDay('2026-10-10', CALENDAR)).toBe(true);
    expect(isWorkingDay('2026-10-11', CALENDAR)).toBe(false);
    expect(isWorkingDay('2026-02-30', NONE)).toBe(false);
  });

  it('the day itself does not count, and what is due is due at the end of a day', () => {
    const friday = china('2026-11-27T23:59:59');
    expect(afterWorkingDays(friday, 1, NONE)).toBe(china('2026-12-01T00:00:00'));
    expect(afterWorkingDays(china('2026-11-28T10:00:00'), 1, NONE)).toBe(
      china('2026-12-01T00:00:00'),
    );
    // Wednesday before the holidays: the 8th, 9th, and Saturday the 10th.
    expect(afterWorkingDays(china('2026-09-30T09:00:00'), 3, CALENDAR)).toBe(
      china('2026-10-11T00:00:00'),
    );
    expect(afterWorkingDays(friday, 0, NONE)).toBe(china('2026-11-28T00:00:00'));
  });

  it('minutes are minutes, by night too; people read a time, or a day', () => {
    const at = china('2026-11-28T23:50:00');
    expect(dueAt(at, { minutes: 40 }, NONE)).toBe(at + 2_400_000);
    expect(dueText(dueAt(at, { minutes: 40 }, NONE))).toBe('2026-11-29 00:30');
    expect(dueText(dueAt(at, { workingDays: 1 }, NONE))).toBe('2026-11-30');
  });

  it('end, though a table of holidays had no working day at all', () => {
    const off = Array.from({ length: 400 }, (_, n) =>
      new Date(Date.UTC(2026, 0, 1 + n)).toISOString().slice(0, 10),
    );
    expect(afterWorkingDays(china('2026-01-01T00:00:00'), 3, { off, on: [] })).toBeLessThan(
      china('2027-03-01T00:00:00'),
    );
  });
});

describe('the days that are offered', () => {
  const slots = { fromDays: 0, days: 3, perHalfDay: 2, workingDays: true };
  it('today until its afternoon has begun, and only days that are worked', () => {
    const days = offeredDays({ slots }, NONE, china('2026-11-26T09:00:00'));
    expect(days).toEqual([
      { date: '2026-11-26', gone: ['am'] },
      { date: '2026-11-27', gone: [] },
      { date: '2026-11-30', gone: [] },
    ]);
    expect(isOffered(days, { date: '2026-11-26', half: 'am' })).toBe(false);
    expect(isOffered(days, { date: '2026-11-26', half: 'pm' })).toBe(true);
    expect(isOffered(days, { date: '2026-11-28', half: 'am' })).toBe(false);
    expect(offeredDays({ slots }, NONE, china('2026-11-26T13:30:00'))[0]?.date).toBe('2026-11-27');
    expect(
      offeredDays({ slots: { ...slots, workingDays: false } }, NONE, china('2026-11-28T00:00:00')),
    ).toHaveLength(3);
    expect(offeredDays({}, NONE, 0)).toEqual([]);
  });

  it('a window has both its days', () => {
    const window = { from: '2026-09-01', to: '2026-10-31' };
    expect(isInWindow({ window }, china('2026-08-31T23:59:59'))).toBe(false);
    expect(isInWindow({ window }, china('2026-09-01T00:00:00'))).toBe(true);
    expect(isInWindow({ window }, china('2026-10-31T23:59:59'))).toBe(true);
    expect(isInWindow({ window }, china('2026-11-01T00:00:00'))).toBe(false);
    expect(isInWindow({}, 0)).toBe(true);
  });
});

describe('the policy’s requests', () => {
  const category = (over: Partial<RequestCategory> = {}) => ({
    id: 'repair',
    kind: 'repair',
    name: { zh: '报修', en: 'Repair' },
    promise: { minutes: 40 },
    ...over,
  });
  const takes = (...categories: unknown[]): boolean =>
    requestsSchema.safeParse({ categories }).success;
  it('refuses what no screen could show, and what could not be told apart', () => {
    expect(takes(category())).toBe(true);
    expect(takes(category(), category())).toBe(false);
    expect(takes(category({ id: 'Ä' }))).toBe(false);
    expect(takes(category({ name: { zh: '九个字的名字太长了', en: 'x' } }))).toBe(false);
    const one = { id: 'a', name: { zh: '一', en: 'a' } };
    expect(takes(category({ choices: [one, one] }))).toBe(false);
    expect(takes(category({ window: { from: '2026-11-02', to: '2026-11-01' } }))).toBe(false);
    expect(takes({ ...category(), promise: { minutes: 40, workingDays: 1 } })).toBe(false);
  });
  it('the demo has one category of each kind', () => {
    const kinds = DEMO_POLICY.requests?.categories.map((c) => c.kind) ?? [];
    expect(new Set(kinds).size).toBe(13);
  });
});

describe('numbers that are keyed in', () => {
  it('mobiles, land lines with area code, and of this town', () => {
    for (const good of ['13805586212', '05585550110', '5550110', '021555501100'])
      expect(isPhone(good)).toBe(true);
    for (const bad of ['', '12805586212', '1380558621', '138055862122', '155', '055', '110'])
      expect(isPhone(bad)).toBe(false);
    expect([isUserNo('1002203344'), isUserNo('12345'), isUserNo('1'.repeat(17))]).toEqual([
      true,
      false,
      false,
    ]);
  });
  it('are shown masked', () => {
    expect(maskPhone('13805586212')).toBe('138 **** 6212');
    expect(maskUserNo('1002203344')).toBe('1002 **** 44');
  });
});

describe('what is sealed to a key', () => {
  const pem = (type: 'x25519' | 'ed25519') =>
    generateKeyPairSync(type as 'x25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  const mine = openingKey(pem('x25519') as string);
  const random = { bytes: (n: number) => new Uint8Array(randomBytes(n)) };
  const seal = (text: string, context = 'RQ-1') =>
    sealTo(sealingKey(sealingKeyOf(mine)), text, context, random);

  it('opens with that key and for that thing only, and says nothing by itself', () => {
    const sealed = seal('{"phone":"13805586212"}');
    expect(openSealed([mine], sealed, 'RQ-1')).toEqual({
      ok: true,
      value: '{"phone":"13805586212"}',
    });
    expect(openSealed([mine], sealed, 'RQ-2')).toEqual({
      ok: false,
      error: 'not sealed for this, or damaged',
    });
    const other = openingKey(pem('x25519') as string);
    expect(openSealed([other], sealed, 'RQ-1')).toEqual({ ok: false, error: 'another key' });
    expect(openSealed([other, mine], sealed, 'RQ-1').ok).toBe(true);
    expect(Buffer.from(sealed, 'utf8').includes('13805586212')).toBe(false);
  });

  it('is never the same twice, as long for a short text as for a long one, and broken by one bit', () => {
    expect(seal('a')).not.toBe(seal('a'));
    expect(seal('a').length).toBe(seal('a'.repeat(100)).length);
    expect(sealedHash(seal('a'))).toMatch(/^[0-9a-f]{64}$/);
    const sealed = seal('a');
    for (const at of [20, 70, sealed.length - 5]) {
      const wrong = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
      expect(openSealed([mine], wrong, 'RQ-1').ok).toBe(false);
    }
    for (const none of ['', 'a.b.c.d', 'a', `${sealed}.x`])
      expect(openSealed([mine], none, 'RQ-1').ok).toBe(false);
  });

  it('takes no key of another kind', () => {
    expect(() => openingKey(pem('ed25519') as string)).toThrow('not an x25519 key');
    expect(() => sealingKey('AAAA')).toThrow();
  });
});
