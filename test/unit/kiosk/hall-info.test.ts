import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import { policySchema } from '../../../src/shared/policy.ts';
import type { Policy } from '../../../src/shared/policy.ts';
import { DAY_MS } from '../../../src/shared/time.ts';
import { POLICY, T0, World } from '../../support/kiosk-world.ts';

/** What the hall tells beside selling: all of it from the signed policy. */
let w: World;
const outage = (zh: string, fromMs: number, hours: number) => ({
  area: { zh, en: zh },
  reason: { zh: '检修', en: 'repair' },
  fromMs,
  toMs: fromMs + hours * 3_600_000,
});
const INFO: NonNullable<Policy['info']> = {
  ...(DEMO_POLICY.info as NonNullable<Policy['info']>),
  outages: [
    outage('后天之后', T0 + 3 * DAY_MS, 8),
    outage('明天', T0 + DAY_MS, 8),
    outage('正在停', T0 - 3_600_000, 2),
    outage('已恢复', T0 - DAY_MS, 2),
  ],
};
const SITES = [
  { name: '远', detail: '', metresFrom: { '': 900 } },
  { name: '近', detail: '', metresFrom: { '': 100 }, hours: { from: '08:30', to: '17:30' } },
  ...[1, 2, 3].map((n) => ({ name: `不知道${n}`, detail: '' })),
];
async function start(policy: Partial<Policy>): Promise<void> {
  w = new World();
  w.policy = { ...POLICY, ...policy };
  await w.start();
}
beforeEach(() => start({ info: INFO, sites: SITES }));
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

describe('what the hall tells', () => {
  it('has its tile only where there is something to tell', async () => {
    expect(w.shown('start').tiles).toEqual(['query', 'unfinished', 'info']);
    await w.close();
    await start({});
    expect(w.shown('start').tiles).toEqual(['query', 'unfinished']);
    expect(w.shown('start').outage).toBeNull();
  });

  it('sites: the nearest first, whether they are open now, page by page', async () => {
    await w.tap('open', 'info');
    expect(w.shown('info')).toMatchObject({
      topics: ['sites', 'outages', 'prices', 'papers', 'stewards', 'stations'],
      emergency: '0558-2197777',
      shown: { topic: 'menu' },
    });
    await w.tap('info-topic', 'sites');
    // T0 is an evening.
    expect(w.shown('info').shown).toMatchObject({
      page: 0,
      pages: 2,
      sites: [
        { name: '近', metres: 100, openNow: false },
        { name: '远', metres: 900, openNow: true },
        { name: '不知道1', metres: null },
        { name: '不知道2' },
      ],
    });
    await w.tap('info-page', 1);
    expect(w.shown('info').shown).toMatchObject({ page: 1, sites: [{ name: '不知道3' }] });
    // Tapped twice where the last page is: it stays.
    await w.tap('info-page', 7);
    expect(w.shown('info').shown).toMatchObject({ page: 1 });
  });

  it('sites of long words: two on a page, and cut off where they would push the buttons away', async () => {
    await w.close();
    await start({
      info: INFO,
      sites: [...SITES, { name: '名'.repeat(200), detail: '址'.repeat(200) }],
    });
    await w.tap('open', 'info');
    await w.tap('info-topic', 'sites');
    await w.tap('info-page', 2);
    const { shown } = w.shown('info');
    if (shown.topic !== 'sites') throw new Error(shown.topic);
    expect([shown.pages, shown.sites.length]).toEqual([3, 2]);
    expect(shown.sites[1]).toMatchObject({
      name: `${'名'.repeat(39)}…`,
      detail: `${'址'.repeat(79)}…`,
    });
  });

  it('interruptions: what is over is gone, the next comes first, and the start screen tells of it', async () => {
    expect(w.shown('start').outage).toMatchObject({ area: { zh: '正在停' } });
    await w.tap('open', 'info');
    await w.tap('info-topic', 'outages');
    const areas = (): string[] => {
      const { shown } = w.shown('info');
      return shown.topic === 'outages' ? shown.outages.map((o) => o.area.zh) : [shown.topic];
    };
    expect(areas()).toEqual(['正在停', '明天']);
    await w.tap('info-page', 1);
    expect(areas()).toEqual(['后天之后']);
    await w.tap('exit');
    w.clock.step(3_600_000 + 1);
    await w.run(20_000);
    expect(w.shown('start').outage).toMatchObject({ area: { zh: '明天' } });
  });

  it('an interruption is told two days ahead, not before', async () => {
    await w.close();
    await start({ info: { ...INFO, outages: [outage('下周', T0 + 2 * DAY_MS + 60_000, 8)] } });
    expect(w.shown('start').outage).toBeNull();
    await w.run(90_000);
    expect(w.shown('start').outage).toMatchObject({ area: { zh: '下周' } });
  });

  it('prices and papers: one list at a time', async () => {
    await w.tap('open', 'info');
    await w.tap('info-topic', 'prices');
    expect(w.shown('info').shown).toMatchObject({ names: [{ zh: '居民' }, { zh: '非居民' }] });
    await w.tap('info-page', 1);
    expect(w.shown('info').shown).toMatchObject({ page: 1, list: { name: { zh: '非居民' } } });
    await w.tap('info-topic', 'papers');
    expect(w.shown('info').shown).toMatchObject({ page: 0, papers: { title: { zh: '过户' } } });
    await w.tap('info-topic', 'menu');
    expect(w.shown('info').shown).toEqual({ topic: 'menu' });
  });

  it('a page that is read is not taken away; one that nobody reads is', async () => {
    await w.tap('open', 'info');
    for (let i = 0; i < 3; i++) {
      await w.run(60_000);
      await w.tap('info-topic', i % 2 === 0 ? 'sites' : 'papers');
    }
    expect(w.screen).toBe('info');
    await w.run(95_000);
    expect(w.screen).toBe('start');
  });

  it('a card that is put in begins its visit', async () => {
    await w.tap('open', 'info');
    await w.insert('golden');
    await w.untilScreen('amount');
    await w.tap('exit');
    await w.remove();
  });
});

it('a policy tells nothing that has no sense', () => {
  const taken = (info: unknown): boolean => policySchema.safeParse({ ...POLICY, info }).success;
  expect(taken({})).toBe(true);
  expect(taken({ emergency: '0558-2197777' })).toBe(true);
  expect(taken({ emergency: '<b>' })).toBe(false);
  expect(taken({ outages: [{ ...outage('x', T0, 1), toMs: T0 }] })).toBe(false);
  expect(taken({ papers: Array.from({ length: 7 }, () => INFO.papers[0]) })).toBe(false);
});

it('a policy tells nothing that does not fit on every panel, with large text too', () => {
  const taken = (info: unknown): boolean => policySchema.safeParse({ ...POLICY, info }).success;
  const words = (zh: number, en: number) => ({ zh: '字'.repeat(zh), en: 'w'.repeat(en) });
  const area = (zh: number, en: number) => [{ ...outage('x', T0, 1), area: words(zh, en) }];
  expect(taken({ outages: area(60, 120) })).toBe(true);
  expect(taken({ outages: area(61, 120) })).toBe(false);
  expect(taken({ outages: area(60, 121) })).toBe(false);
  const papers = (...bring: unknown[]) => [{ ...INFO.papers[0], bring }];
  expect(taken({ papers: papers(words(32, 64)) })).toBe(true);
  expect(taken({ papers: papers(words(33, 64)) })).toBe(false);
  expect(taken({ papers: papers(...Array.from({ length: 6 }, () => words(1, 1))) })).toBe(false);
});

describe('what the hall tells by place', () => {
  const steward = (district: string, n: number) => ({
    district: { zh: district, en: district },
    area: { zh: `${district}${n}区`, en: `${district} ${n}` },
    name: { zh: '王师傅', en: 'Mr Wang' },
    phone: '138 0558 0101',
    hours: { zh: '8–20 点', en: '8–20' },
  });
  const station = (zh: string, over: object = {}) => ({
    name: { zh, en: zh },
    address: { zh, en: zh },
    does: { zh: '加气', en: 'CNG' },
    ...over,
  });
  beforeEach(async () => {
    await w.close();
    await start({
      info: {
        ...INFO,
        stewards: [...[1, 2, 3].map((n) => steward('东', n)), steward('西', 1)],
        stations: [
          station('远', { metresFrom: { '': 4_000 } }),
          station('不知道'),
          station('近', { metresFrom: { '': 900 }, hours: { from: '08:00', to: '18:00' } }),
          station('第四'),
        ],
      },
      receipts: { url: 'https://pay.example.com' },
    });
    await w.tap('open', 'info');
  });

  it('heating stewards: by district, page by page, and nothing is typed', async () => {
    expect(w.shown('info').topics).toEqual(['outages', 'prices', 'papers', 'stewards', 'stations']);
    await w.tap('info-topic', 'stewards');
    expect(w.shown('info').shown).toMatchObject({
      names: [{ zh: '东' }, { zh: '西' }],
      group: 0,
      page: 0,
      pages: 2,
      stewards: [{ area: { zh: '东1区' } }, { area: { zh: '东2区' } }],
    });
    await w.tap('info-page', 1);
    expect(w.shown('info').shown).toMatchObject({ page: 1, stewards: [{ area: { zh: '东3区' } }] });
    await w.tap('info-group', 1);
    expect(w.shown('info').shown).toMatchObject({
      group: 1,
      page: 0,
      pages: 1,
      stewards: [{ area: { zh: '西1区' }, phone: '138 0558 0101' }],
    });
    await w.tap('info-group', 99);
    expect(w.shown('info').shown).toMatchObject({ group: 1 });
  });

  it('stations: the nearest first, what they do, and whether they are open now', async () => {
    await w.tap('info-topic', 'stations');
    // T0 is an evening.
    expect(w.shown('info').shown).toMatchObject({
      page: 0,
      pages: 2,
      stations: [
        { name: { zh: '近' }, metres: 900, openNow: false, does: { zh: '加气' } },
        { name: { zh: '远' }, metres: 4_000, openNow: true, hours: null },
        { name: { zh: '不知道' }, metres: null },
      ],
    });
  });

  it('a list to bring has a code of its page, in the place of the list; another list is shown itself', async () => {
    await w.tap('info-topic', 'papers');
    expect(w.shown('info').shown).toMatchObject({
      url: 'https://pay.example.com/p/new-owner',
      code: false,
    });
    await w.tap('info-group', 1);
    expect(w.shown('info').shown).toMatchObject({ page: 0, code: true });
    await w.tap('info-page', 5);
    expect(w.shown('info').shown).toMatchObject({
      code: false,
      papers: { title: { zh: '面积核准' }, takes: { zh: '3 个工作日' } },
      url: 'https://pay.example.com/p/heated-area',
    });
    // Without central's address for phones there is no code.
    w.setService({ policy: { ...w.policy, receipts: undefined } });
    await w.tap('info-group', 1);
    expect(w.shown('info').shown).toMatchObject({ code: false });
    expect(w.shown('info').shown).not.toHaveProperty('url');
  });

  it('a policy out of its bounds is refused as a whole', () => {
    const seven = ['一', '二', '三', '四', '五', '六', '七'].map((d) => steward(d, 1));
    const [papers] = DEMO_POLICY.info?.papers ?? [];
    const ok = { ...DEMO_POLICY, info: { ...INFO, stewards: seven.slice(1) } };
    expect(policySchema.safeParse(ok).success).toBe(true);
    for (const info of [
      { ...INFO, stewards: seven },
      { ...INFO, papers: [papers, papers] },
      { ...INFO, papers: [{ ...papers, bring: Array.from({ length: 5 }, () => papers?.where) }] },
    ])
      expect(policySchema.safeParse({ ...DEMO_POLICY, info }).success).toBe(false);
  });
});
