import { expect, it } from 'vitest';
import { httpSmsPlatform } from '../../../src/central/requests/sms-platform.ts';
import { ManualClock } from '../../support/clock.ts';

it.each([300, 301, 5_000])('an answer of %i letters hides nobody else’s stop', async (letters) => {
  const replies = [
    { seq: 1, from: '13800000000', text: '啊'.repeat(letters), atMs: 1 },
    { seq: 2, from: '13900000000', text: 'T', atMs: 2 },
  ];
  const platform = httpSmsPlatform({
    baseUrl: 'https://sms.example.com',
    secret: 'x',
    clock: new ManualClock(0),
    timeoutMs: 1_000,
    send: () =>
      Promise.resolve({
        status: 200,
        header: () => null,
        body: Buffer.from(JSON.stringify({ replies })),
      }),
  });
  const heard = await platform.replies(0);
  expect(heard?.map((r) => r.seq)).toEqual([1, 2]);
  expect(heard?.[0]?.text).toHaveLength(300);
});
