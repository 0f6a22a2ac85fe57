import { afterEach, beforeEach, expect, it } from 'vitest';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import { openRoom } from './harness.ts';
import type { Room } from './harness.ts';

/** What to bring, on the phone that scanned a kiosk's code. */
let room: Room;
beforeEach(async () => {
  const [first, ...rest] = DEMO_POLICY.info?.papers ?? [];
  const odd = { ...first, id: 'odd', title: { zh: '<b>过户', en: 'x' } };
  const info = { ...DEMO_POLICY.info, papers: [odd, ...rest] };
  room = await openRoom('sqlite', 1, { policy: { ...DEMO_POLICY, info } as typeof DEMO_POLICY });
});
afterEach(() => room.close());
const open = (id: string, language = 'zh-CN', source = '198.51.100.7') =>
  room.central.handle({
    method: 'GET',
    target: `/p/${id}`,
    headers: { 'accept-language': language },
    body: new Uint8Array(0),
    source,
  });

it('says what to bring, where, and how long it takes, as the signed policy has it', async () => {
  const { status, body, headers } = await open('heated-area');
  expect(status).toBe(200);
  for (const text of [
    '<h1>面积核准</h1>',
    '户主身份证',
    '热力营业厅 2 号窗',
    '3 个工作日',
    '0558-5550110',
  ])
    expect(body).toContain(text);
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(body).not.toContain('<script');
  expect((await open('heated-area', 'en')).body).toContain('<h1>Heated area</h1>');
});

it('a list that is not there any more is said so, and nothing of a policy is markup', async () => {
  const gone = await open('no-such');
  expect([gone.status, gone.body]).toMatchObject([404, expect.stringContaining('没有这张清单')]);
  const { body } = await open('odd');
  expect(body).toContain('&#60;b&#62;过户');
  expect(body).not.toContain('<b>过户');
});

it('a page is opened so often by one phone, and by a whole town as often as it likes', async () => {
  for (let n = 0; n < 60; n++) expect((await open('heated-area')).status).toBe(200);
  expect((await open('heated-area')).status).toBe(429);
  for (let n = 0; n < 70; n++)
    expect((await open('heated-area', 'zh', `203.0.113.${n}`)).status).toBe(200);
});
