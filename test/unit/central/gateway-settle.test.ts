import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { createCentral } from '../../../src/central/central.ts';
import type { CentralAnswer } from '../../../src/central/http/request.ts';
import { ENGINES, quickSigner } from './harness.ts';
import { T, Town } from './gateway-town.ts';
import { forged } from '../../support/forged.ts';

describe.each(ENGINES)('a parked capture on the console, on %s', (engine) => {
  const TOKEN = /name="token" value="([0-9a-f]+)"/;
  let town: Town;
  afterEach(() => town.close());
  /** A town with one capture parked, its central with the console, and the parked leg's number. */
  async function parked(fault: 'wrongAmount' | 'refundRefused'): Promise<{
    leg: string;
    get: (target: string, headers?: Record<string, string>) => Promise<CentralAnswer>;
    post: (
      form: Record<string, string>,
      headers?: Record<string, string>,
    ) => Promise<CentralAnswer>;
    fields: Record<string, string>;
    parkedNow: () => Promise<string[]>;
  }> {
    town = await Town.open(engine);
    const r = { outTradeNo: `P${randomBytes(8).toString('hex')}`, amountFen: 10_000 };
    const made = await town.gateway.create(T, {
      ...r,
      description: 'gas',
      expiresAtMs: town.clock.nowMs() + 120_000,
    });
    const token =
      made.kind === 'pending' ? made.qrText.slice('https://pay.example.com/q/'.length) : '';
    const open = async (wallet: string): Promise<string> => {
      const opened = await town.gateway.openPage(token, wallet, '');
      return opened.kind === 'go' ? opened.url : '';
    };
    const first = await open('alipay');
    await open('wechat');
    town.pay(first, true);
    town.alipay.control.faults({ [fault]: 1 });
    await town.sweepFor(120_000);
    const leg = (await town.legs()).find((l) => l.state === 'parked')?.leg ?? '';
    const central = createCentral({
      db: town.db,
      ...DEMO_DATA,
      policySigner: quickSigner('policy'),
      answerSigner: quickSigner('answers'),
      gatewaySigner: quickSigner('gateway'),
      now: () => town.clock.nowMs(),
      terminals: [],
    });
    await central.open();
    const get = (target: string, headers: Record<string, string> = {}) =>
      central.staff({ method: 'GET', target, headers, body: new Uint8Array(0) });
    const post = (form: Record<string, string>, headers: Record<string, string> = {}) =>
      central.staff({
        method: 'POST',
        target: '/console/payment',
        headers,
        body: Buffer.from(new URLSearchParams(form).toString()),
      });
    const formToken = TOKEN.exec((await get(`/console/payment?leg=${leg}`)).body)?.[1] ?? '';
    return {
      leg,
      get,
      post,
      fields: {
        token: formToken,
        leg,
        who: '王',
        why: '顾客已收到',
        outcome: 'refunded',
        reference: 'R-77',
      },
      parkedNow: async () => (await central.data()).parkedCaptures.map((p) => p.leg),
    };
  }

  it('is settled once, by a person, with what became of it; nothing of it is changed afterwards', async () => {
    const { leg, get, post, fields, parkedNow } = await parked('refundRefused');
    expect((await get('/')).body).toContain(`/console/payment?leg=${leg}`);
    expect((await get('/')).body).toContain('1 笔重复付款待退');
    expect((await get(`/console/payment?leg=${leg}`)).body).toContain(`X${leg}`);
    for (const strange of [
      { ...fields, token: '' },
      { ...fields, token: forged(fields['token'] ?? '') },
    ])
      expect((await post(strange)).status).toBe(403);
    expect((await post(fields, { host: 'evil.example' })).status).toBe(403);
    expect(
      (await post(fields, { host: '127.0.0.1:80', origin: 'http://evil.example' })).status,
    ).toBe(403);
    expect((await get(`/console/payment?leg=${leg}`, { host: 'evil.example' })).status).toBe(403);
    for (const wrong of [
      { who: ' ' },
      { why: '' },
      { outcome: '' },
      { outcome: 'forgotten' },
      { reference: ' ' },
      { outcome: 'paid-out', reference: '' },
      { who: 'a\0' },
    ])
      expect((await post({ ...fields, ...wrong })).status, JSON.stringify(wrong)).toBe(400);
    expect((await post({ ...fields, leg: 'G0' })).status).toBe(409);
    expect(await parkedNow()).toEqual([leg]);

    expect(await post(fields)).toMatchObject({ status: 303, headers: { location: '/' } });
    for (const again of [
      fields,
      { ...fields, outcome: 'nothing-due' },
      { ...fields, outcome: 'again' },
    ])
      expect((await post(again)).status).toBe(409);
    expect(await parkedNow()).toEqual([]);
    expect((await get(`/console/payment?leg=${leg}`)).status).toBe(404);
    expect((await get('/')).body).toContain('R-77');
    expect(
      await town.db.query('SELECT leg, outcome, reference, who, why FROM gateway_settlements'),
    ).toEqual([{ leg, outcome: 'refunded', reference: 'R-77', who: '王', why: '顾客已收到' }]);
    await expect(town.db.query('DELETE FROM gateway_settlements')).rejects.toThrow('append-only');
    // The gateway leaves it alone from then on.
    const asked = town.asked.length;
    await town.sweepFor(7_200_000);
    expect(town.asked.length).toBe(asked);
    expect(town.refunds()).toHaveLength(0);
  });

  it('is tried again when a person says so, under its one refund number, and comes back if it is refused again', async () => {
    const { leg, post, fields, parkedNow } = await parked('refundRefused');
    town.alipay.control.faults({ refundRefused: 1 });
    expect((await post({ ...fields, outcome: 'again', reference: '' })).status).toBe(303);
    expect(await parkedNow()).toEqual([]);
    expect((await post(fields)).status).toBe(409);
    await town.sweepFor(60_000);
    expect(await parkedNow()).toEqual([leg]);
    expect((await post({ ...fields, outcome: 'again', reference: '' })).status).toBe(303);
    await town.sweepFor(60_000);
    expect((await town.legs()).find((l) => l.leg === leg)?.state).toBe('refunded');
    expect(town.refunds().map((r) => r.outRefundNo)).toEqual([`X${leg}`]);
    expect(await parkedNow()).toEqual([]);
    expect((await post(fields)).status).toBe(409);
  });

  it('of another sum is never sent back by the gateway', async () => {
    const { leg, get, post, fields, parkedNow } = await parked('wrongAmount');
    expect((await get(`/console/payment?leg=${leg}`)).body).not.toContain('value="again"');
    expect((await post({ ...fields, outcome: 'again' })).status).toBe(409);
    await town.sweepFor(60_000);
    expect(town.refunds()).toHaveLength(0);
    expect(await parkedNow()).toEqual([leg]);
    expect((await post({ ...fields, outcome: 'paid-out' })).status).toBe(303);
    expect(await parkedNow()).toEqual([]);
  });
});
