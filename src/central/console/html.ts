import { hash } from 'node:crypto';
import { chinaTime } from '../../shared/time.ts';
import { escapeHtml } from '../http/escape.ts';
import { mayUse } from '../staff/roles.ts';
import type { Role } from '../staff/roles.ts';

const STATES: Record<string, string> = {
  normal: '正常',
  'hot-listed': '挂失',
  debt: '欠费',
  quoted: '已报价',
  collecting: '待付款',
  paid: '已付款',
  delivering: '写卡中',
  'in-doubt': '待核实',
  delivered: '已完成',
  closed: '已关闭',
  refunding: '退款中',
  refunded: '已退款',
  parked: '已挂起',
};
const WARN = ['hot-listed', 'debt', 'in-doubt', 'refunding', 'parked'];
/** A state of an account or order as a coloured word. */
export const tag = (state: string): string =>
  `<span class="tag${WARN.includes(state) ? ' warn' : state === 'delivered' || state === 'normal' ? ' good' : ''}">${escapeHtml(STATES[state] ?? state)}</span>`;
/** China's wall clock to the second; null: a dash. */
export const time = (ms: number | null): string => (ms === null ? '—' : chinaTime(ms));

/** A table of cells that are HTML already; without rows the words of `empty`. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  empty: string,
): string {
  if (rows.length === 0) return `<p class="empty">${empty}</p>`;
  return `<div class="scroll"><table><thead><tr>${heads.map((h) => `<th>${h}</th>`).join('')}</tr></thead><tbody>${rows.map((r) => `<tr>${r.map((c) => `<td>${c}</td>`).join('')}</tr>`).join('')}</tbody></table></div>`;
}

const STYLE = `:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:#f3f5f9;color:#1b2536;font:15px/1.6 "Noto Sans SC","Source Han Sans SC","Microsoft YaHei",sans-serif}
header{background:#12305c;color:#fff;padding:18px 28px;display:flex;align-items:baseline;gap:16px}
header h1{font-size:21px;margin:0}
header span{opacity:.8}
header a{color:#fff}
main{max-width:1320px;margin:0 auto;padding:20px 28px 48px}
h2{font-size:17px;margin:26px 0 10px}
.scroll{background:#fff;border:1px solid #dde3ee;border-radius:10px;overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{padding:8px 14px;text-align:left;white-space:nowrap;font-variant-numeric:tabular-nums}
th{background:#f8fafd;color:#5a6780;font-weight:500;border-bottom:1px solid #dde3ee}
td .why{white-space:normal;min-width:14em;overflow-wrap:anywhere}
tr+tr td{border-top:1px solid #edf0f6}
.tag{display:inline-block;padding:0 9px;border-radius:9px;background:#e8edf6;color:#33507f}
.tag.good{background:#e2f4e8;color:#1c6b3a}
.tag.warn{background:#fdecdf;color:#a1490b}
.empty{color:#6b778d;background:#fff;border:1px solid #dde3ee;border-radius:10px;padding:14px}
.alarm{background:#fbe3e3;color:#9b1c1c;border-radius:10px;padding:10px 16px;font-weight:600}
.card{background:#fff;border:1px solid #dde3ee;border-radius:10px;padding:6px 20px 20px;max-width:860px}
dl{display:grid;grid-template-columns:8em 1fr;gap:4px 16px}
dt{color:#5a6780}
dd{margin:0;overflow-wrap:anywhere}
pre{background:#f8fafd;border:1px solid #dde3ee;border-radius:8px;padding:12px;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
label{display:block;margin:12px 0 2px;color:#5a6780}
input,select,textarea{width:100%;max-width:420px;padding:8px 10px;border:1px solid #c5cfdf;border-radius:8px;font:inherit}
.who{color:#5a6780;margin:12px 0 2px}
.shut{color:#6b778d}
nav{background:#0d2547;padding:0 28px;display:flex;flex-wrap:wrap;gap:2px}
nav a{color:#dbe6f7;padding:7px 8px;text-decoration:none;font-size:14px}
nav a:hover{background:#1c4379;color:#fff}
nav b{font-weight:600;background:#c2410c;color:#fff;border-radius:9px;padding:0 7px;font-size:12px}
.me{margin-left:auto;display:flex;align-items:baseline;gap:14px}
.me form{margin:0}
.me button{margin:0;padding:2px 12px;background:#27508c}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:12px}
.tiles a{display:block;background:#fff;border:1px solid #dde3ee;border-radius:10px;padding:12px 16px;color:inherit;text-decoration:none}
.tiles a:hover{border-color:#12305c}
.tiles b{display:block;font-size:26px;line-height:1.3;font-variant-numeric:tabular-nums}
.tiles .hot b{color:#a1490b}
.filter{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:end;margin-bottom:14px}
.filter input,.filter select{max-width:200px}
.filter label{margin:0}
.filter button{margin-top:0}
.qr svg{width:232px;height:232px;display:block}
code{font:14px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
button{margin-top:18px;padding:9px 22px;border:0;border-radius:8px;background:#12305c;color:#fff;font:inherit;cursor:pointer}`;

/** The source of `style-src`: this very style, and no other. */
export const STYLE_SOURCE = `'sha256-${hash('sha256', STYLE, 'base64')}'`;

/**
 * A whole page.
 *
 * @param head what goes into its head besides the style
 */
export function page(title: string, head: string, body: string): string {
  return `<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">${head}<title>${title}</title><style>${STYLE}</style></head><body>${body}</body></html>`;
}

/** Stands in a page’s head where the bar of the one who reads it goes (ways.ts). */
export const BAR = '<!--bar-->';
/** The head of every page but the main one. */
export const TOP = `<header><h1>长明 · 收费中心</h1><a href="/">返回</a></header>${BAR}`;
/** For whom a page and its forms are made. */
export interface By {
  /** What a form carries to show that it is the console’s. */
  readonly token: string;
  /** Null: nobody logs in here, and forms ask who it is. */
  readonly who: string | null;
  /** Null: as `who`. */
  readonly roles: readonly Role[] | null;
}
/** Nobody is logged in. @param token what forms carry */
export const anybody = (token: string): By => ({ token, who: null, roles: null });
/** May he use it? Where nobody logs in, whoever is there may. */
export const isOpenTo = ({ roles }: By, method: 'GET' | 'POST', path: string): boolean =>
  roles === null || mayUse(roles, method, path);
/** An address without what it asks. */
export const pathOf = (address: string): string => address.split('?', 1)[0] ?? address;
/** Asks who it is, where nobody has logged in. */
export const whoField = (by: By, label: string, id = 'who'): string =>
  by.who === null
    ? `<label for="${id}">${label}</label><input id="${id}" name="who" required maxlength="60" autocomplete="off">`
    : `<p class="who">${label}：${escapeHtml(by.who)}</p>`;
/** Fields of a form that nobody fills in. */
export const hidden = (fields: Readonly<Record<string, string | number>>): string =>
  Object.entries(fields)
    .map(([k, v]) => `<input type="hidden" name="${k}" value="${escapeHtml(v)}">`)
    .join('');
/** What is known of one thing: names, and values that are HTML already. */
export const facts = (rows: readonly (readonly [string, string])[]): string =>
  `<dl>${rows.map(([k, v]) => `<dt>${k}</dt><dd>${v}</dd>`).join('')}</dl>`;
