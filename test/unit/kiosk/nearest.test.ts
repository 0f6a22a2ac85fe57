import { expect, it } from 'vitest';
import { isOpen, nearestSite } from '../../../src/kiosk/visit/nearest.ts';
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
  nearestSite(of, here, at(clock))?.name ?? null;

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
  expect(w.shown('out-of-service').nearestSite).toEqual({ name: allDay.name, detail: '24 小时' });
  expect(await w.close()).toEqual([]);
});
