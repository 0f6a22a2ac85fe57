import type { Papers } from '../../shared/policy-info.ts';
import type { Policy } from '../../shared/policy.ts';
import { escapeHtml } from '../http/escape.ts';
import { pageLimiter } from '../http/limits.ts';
import { headerOf } from '../http/request.ts';
import type { CentralAnswer } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { call, localeOf, page } from './shell.ts';
import { tooOften } from './page.ts';
import type { Locale } from './shell.ts';
import type { Both } from './words.ts';

/**
 * What to bring (一次性告知), for the phone that scanned a kiosk's code: out of the very policy that
 * is signed for kiosks, so page and screen say the same. Everybody may read it.
 */
export function papersPages(o: {
  readonly now: () => number;
  /** The company's own, and those of sites and terminals. */
  readonly policies: () => Promise<readonly Policy[]>;
}): readonly Route[] {
  const tooMany = pageLimiter();
  return [
    {
      method: 'GET',
      path: '/p/:id',
      answer: async (request, [id = '']) => {
        const locale = localeOf(headerOf(request, 'accept-language') ?? '');
        const all = await o.policies();
        const hotline = all[0]?.hotline ?? '';
        // By who asks alone: all of a town reads one page.
        const { source } = request;
        if (source !== undefined && tooMany(`${source} ${id}`, source, false, o.now()))
          return tooOften(locale, hotline);
        const of = all.find((p) => p.info?.papers.some((one) => one.id === id));
        const papers = of?.info?.papers.find((one) => one.id === id);
        return papersPage(papers, of?.hotline ?? hotline, locale);
      },
    },
  ];
}

function papersPage(papers: Papers | undefined, hotline: string, locale: Locale): CentralAnswer {
  const of = ({ zh, en }: { readonly zh: string; readonly en: string }): string =>
    escapeHtml(locale === 1 ? en : zh);
  const word = (both: Both): string => both[locale];
  if (papers === undefined)
    return page(
      404,
      locale,
      `<h1>${word(['没有这张清单', 'There is no such list'])}</h1><p class="next">${word([
        '材料可能已经更新，请到机器上重新扫码，或拨打热线。',
        'It may have changed: scan the code at the machine again, or call us.',
      ])}</p>${call(hotline, locale)}`,
      { title: ['办事材料', 'What to bring'] },
    );
  const { title, bring, where, takes } = papers;
  return page(
    200,
    locale,
    `<h1>${of(title)}</h1><p class="next">${word(['请带好', 'Please bring'])}</p>` +
      `<ol>${bring.map((one) => `<li>${of(one)}</li>`).join('')}</ol>` +
      `<dl><dt>${word(['到哪里办', 'Where'])}</dt><dd>${of(where)}</dd>` +
      (takes === undefined
        ? ''
        : `<dt>${word(['多久办好', 'It takes'])}</dt><dd>${of(takes)}</dd>`) +
      `</dl>${call(hotline, locale)}`,
    { title: [title.zh, title.en] },
  );
}
