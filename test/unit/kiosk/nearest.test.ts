import { expect, it } from 'vitest';
import { isOpen, nearestSites } from '../../../src/kiosk/visit/nearest.ts';
import { policySchema } from '../../../src/shared/policy.ts';
import { failure } from '../../../src/shared/errors.ts';
import { POLICY, World } from '../../support/kiosk-world.ts';

const at = (clock: string): number => Date.parse(`2026-11-22T${clock}:00+08:00`);
const here = { zh: '城南营业厅', en: 'South hall' };
const counter = {
  name: '人民路营业厅',
  detail: '8:30–17:30',
  hours: { from: '08:30', to: '17:30' },
  metresFrom: { 城南营业厅: 800 },
};
const allDay = { name: '颍河西路自助厅', detail: '24 小时', metresFrom: { 城南营业厅: 1_600 } };
const own = { name: '城南营业厅', detail: '24 小时', metresFrom: { 城南营业厅: 0 } };
const far = { name: '沙河路营业厅', detail: '', metresFrom: { 城北营业厅: 100 } };
const sites = [far, own, allDay, counter];
const name = (clock: string, of = sites): string | null =>
  nearestSites(of, { site: here }, at(clock))[0]?.name.zh ?? null;

it('the nearest site is one that is open at that minute, and never the machine’s own', () => {
  expect(['08:29', '08:30', '12:00', '17:29', '17:30', '23:00'].map((t) => name(t))).toEqual([
    allDay.name,
    counter.name,
    counter.name,
    counter.name,
    allDay.name,
    allDay.name,
  ]);
  // No distance from here is known: after those that have one.
  expect(name('12:00', [far, allDay])).toBe(allDay.name);
  expect(name('12:00', [far])).toBe(far.name);
  expect(name('20:00', [counter, own])).toBeNull();
});

it('three are named at most, the nearest first, in the reader’s language', () => {
  const more = [1, 2, 3].map((n) => ({
    name: `厅${n}`,
    detail: '址',
    en: { name: `Hall ${n}`, detail: 'Road' },
    metresFrom: { 城南营业厅: n * 100 },
  }));
  expect(nearestSites([...sites, ...more.toReversed()], { site: here }, at('12:00'))).toEqual(
    [1, 2, 3].map((n) => ({
      name: { zh: `厅${n}`, en: `Hall ${n}` },
      detail: { zh: '址', en: 'Road' },
      metres: n * 100,
    })),
  );
});

it('what terminal.json names counts where policy names none that is open', () => {
  const written = [
    { name: { zh: '夜间厅', en: 'Night hall' }, detail: { zh: '', en: '' }, hours: counter.hours },
    { name: { zh: '全天厅', en: 'Always' }, detail: { zh: '', en: '' }, metres: 50 },
  ];
  const told = (of: typeof sites, clock: string): string[] =>
    nearestSites(of, { site: here, nearestSites: written }, at(clock)).map((s) => s.name.zh);
  expect(told([counter], '12:00')).toEqual([counter.name]);
  expect(told([counter], '20:00')).toEqual(['全天厅']);
  expect(told([], '12:00')).toEqual(['夜间厅', '全天厅']);
});

it('hours may go past midnight', () => {
  const night = { hours: { from: '18:00', to: '06:00' } };
  expect(['05:59', '06:00', '17:59', '18:00'].map((t) => isOpen(night, at(t)))).toEqual([
    true,
    false,
    false,
    true,
  ]);
});

it('a policy takes sites with and without hours, and no hours that no clock shows', () => {
  const policy = (of: unknown) => policySchema.safeParse({ ...POLICY, sites: [of] }).success;
  expect([counter, far, { name: 'a', detail: 'b' }].map(policy)).toEqual([true, true, true]);
  expect(policy({ ...counter, hours: { from: '8:30', to: '25:00' } })).toBe(false);
});

it('a machine out of service names one that is open now', async () => {
  const w = new World();
  w.policy = { ...POLICY, sites: [counter, allDay] };
  await w.start();
  w.setService({ policy: w.policy, blocked: failure('JRNL-0101') });
  // 20:00 in China: the counter is closed.
  await w.run(1_000);
  expect(w.shown('out-of-service')).toMatchObject({
    nearestSites: [{ name: { zh: allDay.name, en: allDay.name }, detail: { zh: '24 小时' } }],
    held: [],
  });
  // Since when: it does not move while the machine stands there.
  const since = w.shown('out-of-service').sinceMs;
  expect(since).toEqual(expect.any(Number));
  await w.run(600_000);
  expect(w.shown('out-of-service').sinceMs).toBe(since);
  expect(await w.close()).toEqual([]);
});
