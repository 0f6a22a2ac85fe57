import { describe, expect, it } from 'vitest';
import { staffDoor } from '../../../src/central/console/door.ts';
import type { CentralRequest } from '../../../src/central/http/request.ts';

/** What a browser, or a program, is shown where central refuses. */
async function shown(status: number, detail: string, accept = 'text/html'): Promise<string> {
  const door = staffDoor(() =>
    Promise.resolve({
      status,
      headers: { 'content-type': 'application/problem+json; charset=utf-8' },
      body: JSON.stringify({ title: 'bad-request', status, detail }),
    }),
  );
  const request = { method: 'GET', target: '/console/x', headers: { accept } };
  return (await door(request as unknown as CentralRequest)).body;
}

describe('a refusal at the staff’s door', () => {
  it.each([
    [404, 'no such resource', '没有这个页面'],
    [405, 'not by this method', '不能这样用'],
    [503, 'the database is away', '请过一会儿再试'],
  ])('%i is said in Chinese', async (status, detail, words) => {
    const page = await shown(status, detail);
    expect(page).toContain(words);
    expect(page).not.toContain(detail);
  });

  it('keeps words that are for people already, and what a form was refused for', async () => {
    expect(await shown(400, '这张卡不在名单上')).toContain('<p>这张卡不在名单上</p>');
    expect(await shown(400, 'date: <b>')).toContain('请求不合要求：date: &#60;b&#62;');
  });

  it('leaves programs what they read', async () => {
    expect(await shown(404, 'no such resource', 'application/json')).toContain('no such resource');
  });
});
