import { escapeHtml as e } from '../http/escape.ts';
import type { OtherChip } from '../sale/chips.ts';
import { facts, hidden, page, table, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

/** Card numbers that another chip asked for. */
export function chipsTable(chips: readonly OtherChip[]): string {
  return table(
    ['卡号', '绑定的芯片', '绑定时间', '被拒终端', '最近被拒', ''],
    chips.map((c) => [
      e(c.cardNo),
      e(c.uid),
      time(c.boundMs),
      e(c.terminalId),
      time(c.refusedMs),
      `<a href="/console/chip?card=${encodeURIComponent(c.cardNo)}">处理</a>`,
    ]),
    '',
  );
}

/** One of them, and the form that lets its number be bound to the chip of a replaced card. */
export function chipPage(chip: OtherChip, by: By): string {
  return page(
    '换了芯片的卡',
    '',
    `${TOP}<main><h2>换了芯片的卡</h2><div class="card">
${facts([
  ['卡号', e(chip.cardNo)],
  ['绑定的芯片', `${e(chip.uid)}（${time(chip.boundMs)}）`],
  ['最近被拒', `${e(chip.terminalId)}，${time(chip.refusedMs)}`],
])}
<p>同一卡号来了另一块芯片，密钥没有给。柜台换过卡的，核对用户身份、收回旧卡之后在这里解除绑定，下一次购气绑定新芯片。没有换过卡的，可能有人复制卡号：不要解除，停用那台终端并报警。</p>
<form method="post" action="/console/chip">${hidden({ token: by.token, card: chip.cardNo, uid: chip.uid })}
${whoField(by, '处理人')}
<label for="why">查明的情况</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>旧卡已收回，解除绑定</button></form></div></main>`,
  );
}
