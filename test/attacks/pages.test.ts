import { afterEach, describe, expect, it } from 'vitest';
import { publicPages } from '../../src/central/gateway/public.ts';
import { listen } from '../../src/central/http/listen.ts';
import type { CentralAnswer } from '../../src/central/http/request.ts';
import { router } from '../../src/central/http/routes.ts';
import { callProvider } from '../../src/kiosk/run/payment.ts';
import { createSchema } from '../../src/shared/gateway-api.ts';
import { T, Town } from '../unit/central/gateway-town.ts';

/** The page behind a code: what looks at it begins nothing, and a relayed one is seen for that. */
let town: Town;
afterEach(() => town.close());
const WECHAT = 'Mozilla/5.0 MicroMessenger/8.0.50';
const ALIPAY = 'Mozilla/5.0 AlipayClient/10.6';
let serial = 0;

async function shown(over: Record<string, unknown> = {}): Promise<string> {
  const made = await town.gateway.create(T, {
    outTradeNo: `P311E1P${String(++serial).padStart(6, '0')}`,
    amountFen: 10_000,
    description: 'x',
    expiresAtMs: town.clock.nowMs() + 120_000,
    ...over,
  });
  if (made.kind !== 'pending') throw new Error(made.kind);
  return new URL(made.qrText).pathname;
}
/** A phone, whose requests come from `source`. */
function phone(source = '198.51.100.7') {
  const handle = router(publicPages(town.gateway, () => town.clock.nowMs()));
  return (method: 'GET' | 'POST', target: string, agent = WECHAT, form = '') =>
    handle({
      method,
      target,
      headers: { 'user-agent': agent },
      body: Buffer.from(form),
      source,
    });
}
const ledTo = (answer: CentralAnswer): string => answer.headers['location'] ?? '';

describe('a page that is only looked at', () => {
  it('begins no wallet’s trade, and ends none: a link preview costs the payer nothing', async () => {
    town = await Town.open();
    const ask = phone();
    const page = await shown();
    for (const agent of [WECHAT, ALIPAY, 'WhatsApp/2.0', 'Googlebot/2.1'])
      expect((await ask('GET', page, agent)).status).toBe(200);
    expect((await ask('GET', `${page}?wallet=alipay`)).status).toBe(200);
    expect(town.asked).toEqual([]);
    const begun = await ask('POST', page, WECHAT, 'wallet=wechat');
    expect(begun).toMatchObject({ status: 303 });
    // Another wallet's scanner looks at the code while the payer types the password.
    await ask('GET', page, ALIPAY);
    await ask('GET', `${page}?wallet=alipay`);
    expect(town.asked).toEqual(['wechat.create']);
    expect(town.pay(ledTo(begun))).toBe(true);
    expect((await ask('POST', page)).body).toContain('已经付过');
    expect((await ask('GET', page)).body).toContain('已经付过');
  });

  it('a tap begins, in a form without script; another wallet may be tapped after', async () => {
    town = await Town.open();
    const ask = phone();
    const page = await shown();
    const looked = await ask('GET', page, 'Mozilla/5.0');
    expect(looked.body).toContain('<form method="post"><button name="wallet" value="wechat">');
    expect(looked.body).toContain('value="alipay"');
    expect(looked.body).not.toContain('<script');
    // A tap that names no wallet begins nothing either.
    expect(await ask('POST', page, 'Mozilla/5.0')).toMatchObject({ status: 200 });
    expect(town.asked).toEqual([]);
    const first = ledTo(await ask('POST', page, 'Mozilla/5.0', 'wallet=wechat'));
    const second = ledTo(await ask('POST', page, ALIPAY));
    expect(town.pay(first)).toBe(false);
    expect(town.pay(second)).toBe(true);
    expect(town.kept()).toBe(10_000);
  });
});

describe('a code that is over', () => {
  it('says “not charged” only where that is known', async () => {
    town = await Town.open();
    const ask = phone();
    const [never, paidLate] = [await shown(), await shown()];
    const url = ledTo(await ask('POST', paidLate, WECHAT));
    town.clock.advance(119_000);
    // Paid in the last second, and nobody has asked the wallet yet.
    expect(town.pay(url)).toBe(true);
    town.clock.advance(2_000);
    for (const method of ['GET', 'POST'] as const) {
      expect((await ask(method, never)).body).toContain('没有收您的钱');
      const { status, body } = await ask(method, paidLate);
      expect([status, body.includes('没有收您的钱')]).toEqual([410, false]);
      expect(body).toContain('如果您已经付了');
    }
  });
});

describe('a code that is relayed to somebody else’s phone', () => {
  it('names the hall, the masked card and the sum before a tap', async () => {
    town = await Town.open();
    const page = await shown({ hall: '城南营业厅 03号机', card: '8800 **** 3921' });
    const { body } = await phone()('GET', page);
    for (const word of ['城南营业厅 03号机', '8800 **** 3921', '¥100.00', T])
      expect(body).toContain(word);
    expect(body).toContain('不一致请不要付款');
  });

  it('by the kiosk’s own words, which never leave with the whole number', async () => {
    town = await Town.open();
    const attempt = { provider: 'gateway', outTradeNo: 'P311E1K', amountFen: 10_000 };
    const asked: unknown[] = [];
    const create = (request: unknown) => {
      asked.push(request);
      return Promise.resolve({ kind: 'paid' });
    };
    const options = {
      providers: [{ kind: 'gateway', create }],
      header: {
        brand: { zh: '阜城燃气', en: '' },
        site: { zh: '城南营业厅', en: '' },
        terminalName: { zh: '03号机', en: '' },
      },
    };
    await callProvider(
      options as unknown as Parameters<typeof callProvider>[0],
      { verb: 'create', orderId: 'o', cardNo: '8800003921', attempt } as unknown as Parameters<
        typeof callProvider
      >[1],
    );
    const page = { hall: '城南营业厅 03号机', card: '8800 **** 3921' };
    expect(asked).toMatchObject([{ page }]);
    expect(JSON.stringify(asked)).not.toContain('8800003921');
    expect(createSchema.shape.card.safeParse(page.card).success).toBe(true);
  });

  it('the card is central’s own where it knows the order, whatever the terminal says', async () => {
    town = await Town.open();
    const orderId = `PL-${T}-1-0001-4821`;
    const page = await shown({ orderId, card: '1111 **** 1111' });
    await town.db.query('INSERT INTO claims VALUES ($1, 42, $2, $3, NULL)', [
      '8800003921',
      orderId,
      T,
    ]);
    const { body } = await phone()('GET', page);
    expect(body).toContain('8800 **** 3921');
    expect(body).not.toContain('1111 **** 1111');
  });

  it('a terminal’s words are text, short, and no whole number', async () => {
    town = await Town.open();
    const page = await shown({ hall: '<img src=x onerror=alert(1)>"' });
    const { body } = await phone()('GET', page);
    expect(body).not.toContain('<img');
    const asked = {
      outTradeNo: 'P311E1X',
      amountFen: 1,
      description: 'x',
      expiresAtMs: 1,
    };
    expect(createSchema.safeParse({ ...asked, card: '8800 **** 3921' }).success).toBe(true);
    expect(createSchema.safeParse({ ...asked, card: '8800003921' }).success).toBe(false);
    expect(createSchema.safeParse({ ...asked, hall: '厅'.repeat(61) }).success).toBe(false);
    // What kiosks of before ask shows the sum and the machine.
    const old = await phone()('GET', await shown());
    expect(old.body).toContain('¥100.00');
    expect(old.body).toContain(T);
    expect(old.body).not.toContain('卡号 ');
  });
});

describe('whoever comes too often', () => {
  it('begins no more at the wallets than a person would, from however many places', async () => {
    town = await Town.open();
    const handle = router(publicPages(town.gateway, () => town.clock.nowMs()));
    const page = await shown();
    const tap = (n: number) =>
      handle({
        method: 'POST',
        target: page,
        // Two and two: five trades at each wallet, and no wallet has more for one code.
        headers: { 'user-agent': n % 4 < 2 ? WECHAT : ALIPAY },
        body: Buffer.from(''),
        source: `198.51.100.${n}`,
      });
    for (let n = 0; n < 20; n++) expect((await tap(n)).status).toBe(303);
    const begun = town.asked.length;
    const late = await tap(20);
    expect(late).toMatchObject({ status: 429, headers: { 'retry-after': '60' } });
    expect(late.body).toContain('请过一分钟再试');
    expect(town.asked).toHaveLength(begun);
    // Another customer's code is none of it, and a minute later this one opens again.
    const other = await shown();
    expect((await phone()('POST', other)).status).toBe(303);
    town.clock.advance(60_000);
    expect((await tap(22)).status).toBe(303);
  });

  it('is one place, by IPv4 address or by the network of an IPv6 one', async () => {
    town = await Town.open();
    const handle = router(publicPages(town.gateway, () => town.clock.nowMs()));
    const guess = async (source: string, n: number) =>
      (await handle({ method: 'GET', target: `/q/${n}`, headers: {}, body: Buffer.of(), source }))
        .status;
    for (let n = 0; n < 600; n++)
      expect(await guess(`2001:db8:1:2::${n.toString(16)}`, n)).toBe(404);
    expect(await guess('2001:db8:1:2:ffff::1', 600)).toBe(429);
    expect(await guess('2001:db8:1:3::1', 600)).toBe(404);
    for (let n = 0; n < 600; n++)
      await guess(n % 2 === 0 ? '203.0.113.9' : '::ffff:203.0.113.9', n);
    expect(await guess('203.0.113.9', 1)).toBe(429);
  });

  it('tells nobody where he comes from, unless it is the proxy that was configured', async () => {
    town = await Town.open();
    const seen: (string | undefined)[] = [];
    const handle = (request: { readonly source?: string }): Promise<CentralAnswer> => {
      seen.push(request.source);
      return Promise.resolve({ status: 204, headers: {}, body: '' });
    };
    const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9' };
    for (const proxyHeader of [undefined, 'X-Forwarded-For']) {
      const door = await listen(handle, proxyHeader === undefined ? {} : { proxyHeader });
      await fetch(`${door.baseUrl}/q/x`, { headers });
      await door.close();
    }
    expect(seen).toEqual(['127.0.0.1', '203.0.113.9']);
  });
});
