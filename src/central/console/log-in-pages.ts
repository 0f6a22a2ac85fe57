import { escapeHtml as e } from '../http/escape.ts';
import type { LogInBar } from '../staff/log-in.ts';
import { MAX_PASSWORD, MIN_PASSWORD } from '../staff/passwords.ts';
import { totpPicture } from '../staff/totp.ts';
import { hidden, page, TOP } from './html.ts';
import type { By } from './html.ts';

const HEAD = '<header><h1>长明 · 收费中心</h1></header>';
/** What a person reads; the code is not shown, since it would tell nothing. */
const BARS: Readonly<Record<LogInBar, string>> = {
  wrong: '不对：请核对后再试。动态码每个只能用一次。',
  'too-many': '试得太多了，请十五分钟后再试。',
  weak: `密码至少 ${MIN_PASSWORD} 个字，不能是姓名或重复的字。`,
  differ: '两次输入的密码不一样。',
};
const barred = (bar: LogInBar | null): string =>
  bar === null ? '' : `<p class="alarm">${BARS[bar]}</p>`;
const secret = (name: string, label: string, complete: string): string =>
  `<label for="${name}">${label}</label><input id="${name}" name="${name}" type="password" required maxlength="${MAX_PASSWORD}" autocomplete="${complete}">`;
const CODE =
  '<label for="code">动态码（验证器上的六位数）</label><input id="code" name="code" required maxlength="7" inputmode="numeric" pattern="[0-9 ]{6,7}" autocomplete="one-time-code">';

/** Name, password and code. @param next where he wanted to go, empty: nowhere */
export const logInPage = (token: string, next: string, bar: LogInBar | null): string =>
  page(
    '登录 · 长明',
    '',
    `${HEAD}<main><h2>登录</h2><div class="card">${barred(bar)}<form method="post" action="/console/log-in">${hidden({ token, next })}
<label for="name">姓名</label><input id="name" name="name" required maxlength="60" autocomplete="username">
${secret('password', '密码', 'current-password')}
${CODE}
<br><button>登录</button></form><p>第一次登录，或管理员重置之后：<a href="/console/set-up">用一次性代码设置</a>。已经登录的：<a href="${e(next === '' ? '/' : next)}">直接进入</a></p></div></main>`,
  );

/** Name and the one-time code of the first log-in. */
export const setUpPage = (token: string, bar: LogInBar | null): string =>
  page(
    '首次登录 · 长明',
    '',
    `${HEAD}<main><h2>首次登录</h2><div class="card">${barred(bar)}<p>管理员给您的一次性代码以 <code>pls_</code> 开头，七天之内有效。</p><form method="post" action="/console/set-up">${hidden({ token })}
<label for="name">姓名</label><input id="name" name="name" required maxlength="60" autocomplete="username">
<label for="setup">一次性代码</label><input id="setup" name="setup" required maxlength="60" autocomplete="off">
<br><button>下一步</button></form><p><a href="/console/log-in">返回登录</a></p></div></main>`,
  );

/** The authenticator's picture and text, and the password of one's own. */
export const enrolPage = (
  shown: { readonly name: string; readonly secret: string },
  token: string,
  bar: LogInBar | null,
): string =>
  page(
    '首次登录 · 长明',
    '',
    `${HEAD}<main><h2>${e(shown.name)}：设置验证器和密码</h2><div class="card">${barred(bar)}
<p>1. 用验证器（TOTP）扫这个码，或手工输入密钥。这一页关掉以后不再显示。</p>
<div class="qr">${totpPicture(shown.secret, shown.name)}</div>
<p>密钥：<code>${e(shown.secret.replaceAll(/.{4}/g, '$& ').trim())}</code></p>
<p>2. 自己定一个密码，再填验证器上现在的动态码。</p>
<form method="post" action="/console/enrol">${hidden({ token })}
${secret('password', `密码（至少 ${MIN_PASSWORD} 个字）`, 'new-password')}
${secret('again', '再输一次', 'new-password')}
${CODE}
<br><button>完成，登录</button></form></div></main>`,
  );

/** One's own password. */
export const passwordPage = (by: By, bar: LogInBar | null): string =>
  page(
    '修改密码 · 长明',
    '',
    `${TOP}<main><h2>修改密码</h2><div class="card">${barred(bar)}<p>改好以后，您在别处的登录都会退出。验证器丢了，请管理员重置。</p><form method="post" action="/console/password">${hidden({ token: by.token })}
${secret('old', '现在的密码', 'current-password')}
${secret('password', `新密码（至少 ${MIN_PASSWORD} 个字）`, 'new-password')}
${secret('again', '再输一次', 'new-password')}
${CODE}
<br><button>修改</button></form></div></main>`,
  );
