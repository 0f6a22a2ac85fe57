import { escapeHtml as e } from '../http/escape.ts';
import { BAR, isOpenTo, page, pathOf, time } from './html.ts';
import type { By } from './html.ts';
import type { Waiting } from './waiting-counts.ts';

/** What waits for a person, by kind: the first page after logging in. */
export function startPage(waiting: readonly Waiting[], nowMs: number, by: By): string {
  const seen = waiting.filter(({ path }) => isOpenTo(by, 'GET', pathOf(path)));
  const tile = ({ kind, words, count, path }: Waiting): string =>
    `<a href="${e(path)}" id="${kind}"${count > 0 ? ' class="hot"' : ''}><b>${count}</b>${words}</a>`;
  const hot = seen.filter((w) => w.count > 0);
  const quiet = seen.filter((w) => w.count === 0);
  return page(
    '待办 · 长明',
    '<meta http-equiv="refresh" content="60;url=/console/start?watching=1">',
    `<header><h1>长明 · 收费中心</h1><span>${time(nowMs)}</span></header>${BAR}<main>
<h2>需要人处理</h2>${hot.length === 0 ? '<p class="empty">没有等待处理的事。</p>' : `<div class="tiles">${hot.map(tile).join('')}</div>`}
<h2>没有等待的</h2><div class="tiles">${quiet.map(tile).join('')}</div></main>`,
  );
}
