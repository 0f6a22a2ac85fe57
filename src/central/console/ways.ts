import { timingSafeEqual } from 'node:crypto';
import type { Db } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { bytesOf, queryOf } from '../http/request.ts';
import type { CentralAnswer, CentralRequest } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { plain, seeOther } from './answers.ts';
import { barOf } from './bar.ts';
import { DECISIONS } from './decisions.ts';
import type { Act, Deciding } from './deciding.ts';
import type { Form } from './forms.ts';
import { OWN_PAGES } from './gate.ts';
import type { Gate } from './gate.ts';
import { BAR, isOpenTo, pathOf } from './html.ts';
import type { By } from './html.ts';

/** How the console shows a page and takes a decision; every one of its routes is made by these. */
export interface Ways {
  readonly db: () => Db;
  readonly now: () => number;
  readonly show: (path: string, page: (query: URLSearchParams, by: By) => Promise<string>) => Route;
  /** Plain text, to be kept. */
  readonly file: (path: string, text: (query: URLSearchParams) => Promise<string>) => Route;
  /** JSON, for programs. */
  readonly data: (path: string, value: (query: URLSearchParams) => Promise<unknown>) => Route;
  /**
   * A person's decision by a form. Who decides is whoever is logged in, whatever the form says; it
   * is written into the audit with what was before and after. `on` is the database to decide on.
   */
  readonly decide: (path: string, act: Act) => Route;
  /** A form that decides nothing of the books: of one's own log-in. Answers where it leads. */
  readonly post: (
    path: string,
    answer: (form: Form, by: By, request: CentralRequest) => Promise<CentralAnswer>,
  ) => Route;
}

/** @param gate lets people in, or not · @param deciding carries out what they decide */
export function consoleWays(db: () => Db, now: () => number, gate: Gate, deciding: Deciding): Ways {
  const get = (
    path: string,
    answer: (query: URLSearchParams, by: By) => Promise<CentralAnswer>,
  ): Route => ({
    method: 'GET',
    path,
    answer: async (request) => {
      const by = await gate(request, { method: 'GET', path });
      return 'status' in by ? by : answer(queryOf(request), by);
    },
  });
  const post: Ways['post'] = (path, answer) => ({
    method: 'POST',
    path,
    answer: async (request) => {
      const by = await gate(request, { method: 'POST', path });
      if ('status' in by) return by;
      const { token = '', ...form } = formOf(request);
      if (!sameText(token, by.token))
        throw new Refusal('bad-request', 'the form is not this console’s', { status: 403 });
      return answer(form, by, request);
    },
  });
  return {
    db,
    now,
    show: (path, page) => get(path, async (query, by) => htmlPage(await page(query, by), by)),
    file: (path, text) => get(path, async (query) => plain(await text(query), 'text/csv')),
    data: (path, value) =>
      get(path, async (query) => plain(JSON.stringify(await value(query)), 'application/json')),
    decide: (path, act) => {
      deciding.learn(path, act);
      return post(path, async (form, by) => {
        const told = await deciding.decide({ who: by.who, via: 'console' }, path, form);
        return seeOther(told.kind === 'proposed' ? `/console/proposal?id=${told.id}` : '/');
      });
    },
    post,
  };
}

const formOf = (request: CentralRequest): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(bytesOf(request).toString('utf8')));

/** A page, with the bar of whoever reads it, and the links and forms that his roles may use. */
export const htmlPage = (body: string, by: By): CentralAnswer =>
  plain(
    body
      .replace(BAR, () => barOf(by))
      // What stands in a page is escaped: no text of anybody's begins or ends a form or a link.
      .replaceAll(
        /<a href="([^"]*)"[^>]*>([^]*?)<\/a>/g,
        (link: string, address: string, words: string) => linkFor(by, link, address, words),
      )
      .replaceAll(/<form method="post" action="([^"]+)">[^]*?<\/form>/g, (form, path: string) =>
        formFor(by, form, path),
      ),
    'text/html',
  );

const READS = '<p class="who">您的角色只能查看，不能在这里处理。</p>';
const TWO = '<p class="who">动钱、动密钥的事，提交以后等第二人核准。</p>';

/** A link that would be refused is words. */
function linkFor(by: By, link: string, address: string, words: string): string {
  const path = pathOf(address);
  return OWN_PAGES.includes(path) || isOpenTo(by, 'GET', path)
    ? link
    : `<span class="shut">${words}</span>`;
}

function formFor(by: By, form: string, path: string): string {
  if (by.roles === null || OWN_PAGES.includes(path)) return form;
  if (!isOpenTo(by, 'POST', path)) return READS;
  return DECISIONS[path]?.twoPersons === undefined
    ? form
    : form.replace('</form>', () => `${TWO}</form>`);
}

/** Compared in the same time, whatever differs. */
export function sameText(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8')];
  return x.length === y.length && timingSafeEqual(x, y);
}
