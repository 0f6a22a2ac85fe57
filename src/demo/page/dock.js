const $ = (id) => document.getElementById(id);
async function act(body) {
  const r = await fetch('/api', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const answer = await r.json();
  $('said').textContent = `${new Date().toLocaleTimeString()}  ${JSON.stringify(body)} → ${JSON.stringify(answer.result ?? answer.error ?? 'ok')}`;
  await refresh();
}
// The hall's clock, and China's days by it.
const CHINA_MS = 8 * 3_600_000;
let clockShiftMs = 0;
const china = () => new Date(Date.now() + clockShiftMs + CHINA_MS);
const chinaTime = (date, time) => `${date}T${time}+08:00`;
const TIMES = {
  minutes: () => new Date(Date.now() + clockShiftMs + 600_000).toISOString(),
  bills: () => chinaTime(new Date(china().getTime() + 86_400_000).toISOString().slice(0, 10), '10:31:00'),
  year: () => chinaTime(`${china().getUTCFullYear()}-12-31`, '23:59:30'),
};
const tick = () => { $('clock').textContent = china().toISOString().slice(0, 19).replace('T', ' '); };
setInterval(tick, 250);
document.addEventListener('click', (e) => {
  const b = e.target.closest('button');
  if (b?.dataset.clock) void act({ do: 'clock', at: TIMES[b.dataset.clock]() });
  if (b?.dataset.act) void act(JSON.parse(b.dataset.act));
});
$('tear').addEventListener('click', () => void act({ do: 'tear', at: Number($('tear-at').value), when: $('tear-when').value }));
const el = (tag, text, props = {}) => Object.assign(document.createElement(tag), { textContent: text, ...props });
let shown = '';
async function refresh() {
  const s = await (await fetch('/api/state')).json();
  const text = JSON.stringify(s);
  if (text === shown) return;
  shown = text;
  clockShiftMs = s.clockShiftMs;
  tick();
  $('links').replaceChildren(el('a', '终端 Kiosk', { href: s.addresses.kiosk, target: '_blank' }), el('a', '中心 Central', { href: s.addresses.central, target: '_blank' }));
  $('receipt').hidden = s.receipt === null;
  if (s.receipt !== null) $('receipt').href = s.receipt;
  $('technician').hidden = s.technician === null;
  if (s.technician !== null) $('technician-pin').textContent = `${s.technician.name} · PIN ${s.technician.pin}（仅演示 demo only）；或插“技术员卡”，密码相同 or insert the technician’s card, same PIN`;
  $('slot').textContent = s.inserted ? `读卡槽里：${s.inserted}${s.connected ? '' : '（读卡器未连接 reader not connected）'}` : '读卡槽是空的 The slot is empty';
  let family = '';
  $('cards').replaceChildren(...s.cards.flatMap((c) => {
    const d = el('div', '', { className: `card${c.id === s.inserted ? ' in' : ''}` });
    d.append(el('b', c.titleZh), el('small', `${c.cardNo ?? ''} ${c.titleEn}${c.expectedCode ? ` · ${c.expectedCode}` : ''}`));
    if (c.purchase) d.append(el('small', `第 ${c.purchase.count} 次 · ${(c.purchase.quantity / 100).toFixed(2)} · 累计 ${(c.purchase.cumulative / 100).toFixed(2)}${c.meterRemaining === null ? '' : ` · 表内 ${(c.meterRemaining / 100).toFixed(2)}`}`));
    const b = (label, body) => { const x = el('button', label); x.dataset.act = JSON.stringify(body); d.append(x); };
    b('插卡 Insert', { do: 'insert', id: c.id });
    if (c.meterRemaining !== null && c.id !== s.inserted) { b('插表 Into meter', { do: 'meter', id: c.id }); b(c.family.startsWith('PL-PURSE') ? '用气 10 元' : '用气 10 m³', { do: 'consume', id: c.id, quantity: 1000 }); }
    const heading = c.family === family ? [] : [el('h3', c.family)];
    family = c.family;
    return [...heading, d];
  }));
  if (s.lastMeter) $('said').textContent = `表 Meter: ${s.lastMeter.visit.accepted ? `收下 accepted, +${(s.lastMeter.visit.credited / 100).toFixed(2)} → ${(s.lastMeter.remaining / 100).toFixed(2)}` : `拒绝 refused (${s.lastMeter.visit.reason})`}`;
  $('trades').replaceChildren(...s.trades.toReversed().map((t) => el('li', `¥${(t.total / 100).toFixed(2)} ${t.wallet} ${t.state} ${t.outTradeNo}`)));
  for (const k of ['central', 'payment']) { const i = $(`l-${k}`); i.textContent = s.lines[k].cut ? '断 cut' : '通 up'; i.className = s.lines[k].cut ? 'down' : 'up'; }
  $('ups').textContent = s.ups ?? 'upsd 停了 stopped';
  $('io').textContent = s.io === null ? '线断 cut' : `${s.io.open ? '门开 open' : '门关 closed'}${['card', 'scanner', 'printer', 'alarm'].filter((k) => s.io[k]).map((k) => ` ${{ card: '卡灯', scanner: '扫码灯', printer: '凭条灯', alarm: '报警' }[k]}`).join('')}`;
  $('jack').textContent = s.headphones ? '已插 in' : '未插 out';
  $('sms').replaceChildren(...s.messages.slice(-3).toReversed().map((m) => el('li', `${m.to} ${m.text}`)));
  $('book').hidden = s.book === null;
  $('book-lines').replaceChildren(...(s.book ?? []).slice(-5).toReversed().map((line) => el('li', `${line.voucher} ${line.userNo} ¥${(line.amountFen / 100).toFixed(2)} ${line.reference}`)));
  $('slips').replaceChildren(...s.slips.toReversed().map((n) => el('img', '', { src: `/slips/${n}.svg`, alt: `slip ${n}` })));
}
void refresh();
setInterval(() => void refresh(), 1000);
