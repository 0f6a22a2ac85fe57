import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBillingClient } from '../../../src/billing/client.ts';
import type { BillingClient } from '../../../src/billing/types.ts';
import { Keyring, signText } from '../../../src/shared/signatures.ts';
import {
  ANSWER_KEY,
  ANSWER_SIGNATURE,
  REQUEST_HEADERS,
  signedAnswerText,
} from '../../../src/shared/signed-request.ts';
import { ed25519Signer, ed25519Verifier } from '../../../src/shared/signing.ts';
import { edKeys, openHall } from '../central/harness.ts';
import type { Hall } from '../central/harness.ts';

let hall: Hall;
beforeAll(async () => {
  hall = await openHall();
}, 60_000);
afterAll(() => hall.close());

const clientWith = (over: Partial<Parameters<typeof createBillingClient>[0]>): BillingClient => {
  const t = hall.terminals[0] as Hall['terminals'][number];
  return createBillingClient({
    baseUrl: hall.baseUrl,
    terminalId: t.terminalId,
    signer: ed25519Signer(t.keys.privateKeyPem),
    policyKeys: new Keyring(ed25519Verifier(hall.policyKeys.publicKeyPem)),
    answerKeys: new Keyring(ed25519Verifier(hall.answerKeys.publicKeyPem)),
    clock: hall.clock,
    random: { bytes: (n) => randomBytes(n) },
    timeoutMs: 5_000,
    ...over,
  });
};
/** A central that answers anything. */
async function fake<T>(
  handler: (req: IncomingMessage, res: ServerResponse) => void,
  run: (client: BillingClient) => Promise<T>,
  timeoutMs = 5_000,
): Promise<T> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await run(
      clientWith({
        baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        timeoutMs,
      }),
    );
  } finally {
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }
}
/** Says this under central's signature. */
const signed =
  (text: string, status = 200, headers: Record<string, string> = {}) =>
  (req: IncomingMessage, res: ServerResponse) => {
    void buffer(req).then((asked) => {
      const mark = signedAnswerText({
        terminalId: String(req.headers[REQUEST_HEADERS.terminal]),
        nonce: String(req.headers[REQUEST_HEADERS.nonce]),
        method: req.method ?? '',
        target: req.url ?? '',
        asked,
        status,
        body: Buffer.from(text, 'utf8'),
      });
      const { signature, keyId } = signText(ed25519Signer(hall.answerKeys.privateKeyPem), mark);
      res
        .writeHead(status, { ...headers, [ANSWER_SIGNATURE]: signature, [ANSWER_KEY]: keyId })
        .end(text);
    });
  };
const json = (value: unknown, status = 200) => signed(JSON.stringify(value), status);

describe('against central', () => {
  it('reads account, time and policy, and keeps the policy’s proof', async () => {
    const c = clientWith({});
    expect(await c.account('8800003921')).toMatchObject({
      ok: true,
      value: { account: { holderName: '张*明', meterNo: '0260001577', userNo: '1002203344' } },
    });
    expect(await c.account('8800003924')).toMatchObject({
      ok: false,
      error: { code: 'SALE-0103' },
    });
    const time = await c.time();
    expect(
      time.ok &&
        Math.abs(time.value.serverTimeMs - hall.clock.nowMs()) < 5_000 &&
        time.value.roundTripMs >= 0,
    ).toBe(true);
    const policy = await c.policy();
    if (!policy.ok) throw new Error(policy.error.detail);
    expect(policy.value.policy).toMatchObject({
      hotline: '0558-5550110',
      presetsFen: [5_000, 10_000, 20_000, 30_000, 50_000],
    });
    expect(c.verifyPolicy(policy.value.raw)).toEqual({ ok: true, value: policy.value.policy });
    expect(c.verifyPolicy(policy.value.raw.replace('0558', '0559'))).toMatchObject({
      ok: false,
      error: { code: 'BILL-0102' },
    });
    expect(c.verifyPolicy('{')).toMatchObject({ ok: false });
    expect(
      await clientWith({
        policyKeys: new Keyring(ed25519Verifier(edKeys().publicKeyPem)),
      }).policy(),
    ).toMatchObject({ ok: false, error: { code: 'BILL-0102' } });
  });

  it('a stranger, a wrong key, a clock ten minutes off: BILL-0103', async () => {
    expect(await clientWith({ terminalId: '999999999999' }).account('8800003921')).toMatchObject({
      ok: false,
      error: { code: 'BILL-0103' },
    });
    expect(
      await clientWith({ signer: ed25519Signer(edKeys().privateKeyPem) }).account('8800003921'),
    ).toMatchObject({ ok: false, error: { code: 'BILL-0103' } });
    for (const off of [600_000, -600_000])
      expect(
        await clientWith({
          clock: { ...hall.clock, nowMs: () => hall.clock.nowMs() + off },
        }).policy(),
      ).toMatchObject({ ok: false, error: { code: 'BILL-0103' } });
  });

  it('nothing is heard where method, path or body were changed on the way', async () => {
    for (const change of [
      (url: string) => url.replace('8800003921', '8800003922'),
      (url: string) => `${url}?x=1`,
    ]) {
      const c = clientWith({ fetch: (input, init) => fetch(change(String(input)), init) });
      expect(await c.account('8800003921')).toMatchObject({
        ok: false,
        error: { code: 'BILL-0101' },
      });
    }
    const c = clientWith({
      fetch: (input, init) =>
        fetch(input, {
          ...init,
          body: Buffer.from(init?.body as Uint8Array)
            .toString()
            .replace('10000', '20000'),
        }),
    });
    expect(
      await c.quote({ orderId: null, cardNo: '8800003922', nextCount: 42, amountFen: 10_000 }),
    ).toMatchObject({ ok: false, error: { code: 'BILL-0101' } });
  });
});

describe('answers that are none', () => {
  it('nobody there, silence, a broken line, a gateway’s error page: BILL-0101', async () => {
    const away = { ok: false, error: { code: 'BILL-0101' } };
    expect(await clientWith({ baseUrl: 'http://127.0.0.1:1' }).account('8800003921')).toMatchObject(
      away,
    );
    expect(
      await fake(
        () => undefined,
        (c) => c.account('8800003921'),
        100,
      ),
    ).toMatchObject(away);
    expect(
      await fake(
        (req) => req.socket.destroy(),
        (c) => c.account('8800003921'),
      ),
    ).toMatchObject(away);
    expect(
      await fake(
        (_q, res) => void res.writeHead(502).end('<h1>Bad Gateway</h1>'),
        (c) => c.account('8800003921'),
      ),
    ).toMatchObject(away);
    const event = { seq: 1, kind: 'x', wallMs: 0, orderId: null, body: {}, hash: '0'.repeat(64) };
    expect(
      await clientWith({ baseUrl: 'http://127.0.0.1:1' }).upload({
        epoch: 1,
        fromSeq: 1,
        prevHash: '0'.repeat(64),
        events: [event],
      }),
    ).toMatchObject({ kind: 'away' });
  });

  it('answers out of contract: BILL-0102', async () => {
    const wrong = { ok: false, error: { code: 'BILL-0102' } };
    expect(await fake(json({}), (c) => c.account('8800003921'))).toMatchObject(wrong);
    expect(await fake(signed('<h1>Login</h1>'), (c) => c.account('8800003921'))).toMatchObject(
      wrong,
    );
    expect(
      await fake(json({ type: 'about:blank', title: '', status: 409 }, 409), (c) =>
        c.account('8800003921'),
      ),
    ).toMatchObject(wrong);
    expect(
      await fake(signed('{}', 302, { location: 'http://example.com/' }), (c) =>
        c.account('8800003921'),
      ),
    ).toMatchObject(wrong);
    const other = await clientWith({}).account('8800003922');
    if (!other.ok) throw new Error('setup');
    expect(await fake(json(other.value), (c) => c.account('8800003921'))).toMatchObject(wrong);
  });

  it('a quote must be the one asked for and add up', async () => {
    const request = { orderId: null, cardNo: '8800003922', nextCount: 42, amountFen: 10_000 };
    const q = await clientWith({}).quote(request);
    if (!q.ok) throw new Error('setup');
    const answer = (over: Record<string, unknown>) =>
      fake(json({ quote: { ...q.value, ...over }, serverTimeMs: 0 }), (c) => c.quote(request));
    expect(await answer({})).toEqual(q);
    for (const over of [
      { amountFen: 9_999 },
      { cardNo: '8800003921' },
      { nextCount: 43 },
      { orderId: 'x' },
      { quantity: 3774 },
      { carriedAfterMicro: 15_501 },
      { carriedUsedMicro: 1 },
      { quantity: -1 },
      { shares: [] },
    ])
      expect(await answer(over)).toMatchObject({ ok: false, error: { code: 'BILL-0102' } });
  });

  it('an acknowledgement counts only with our number and our hash', async () => {
    const event = { seq: 7, kind: 'x', wallMs: 0, orderId: null, body: {}, hash: 'a'.repeat(64) };
    const send = (ackSeq: number, ackHash: string) =>
      fake(json({ ackSeq, ackHash, serverTimeMs: 0, nextUploadAfterMs: 0, quarantined: [] }), (c) =>
        c.upload({ epoch: 1, fromSeq: 7, prevHash: '0'.repeat(64), events: [event] }),
      );
    expect(await send(7, 'a'.repeat(64))).toMatchObject({ kind: 'acked' });
    expect(await send(9, 'b'.repeat(64))).toMatchObject({ kind: 'acked' });
    expect(await send(7, 'b'.repeat(64))).toMatchObject({
      kind: 'fork',
      failure: { code: 'BILL-0104' },
    });
    expect(await send(6, 'a'.repeat(64))).toMatchObject({
      kind: 'refused',
      failure: { code: 'BILL-0102' },
    });
  });
});

describe('claims, commands, epochs', () => {
  const order = {
    orderId: 'PL-1',
    terminalId: '000000000312',
    cardNo: '8800003921',
    userNo: '1',
    layout: 'l',
    unit: 'volume',
    nextCount: 42,
    amountFen: 1,
    quantity: 1,
    cumulative: 1,
    carriedAfterMicro: 0,
    tag: '00',
    before: '00',
    after: '01',
    plan: [],
  };
  const answered = (over: Record<string, unknown>) =>
    fake(json({ kind: 'write', ttlMs: 180_000, order, serverTimeMs: 0, ...over }), (c) =>
      c.claim('PL-1', 'write', '8800003921'),
    );
  it('a claim must be the one asked for', async () => {
    expect(await answered({})).toMatchObject({ ok: true, value: { order: { orderId: 'PL-1' } } });
    expect(await answered({ order: null })).toMatchObject({ ok: true });
    for (const over of [
      { kind: 'refund' },
      { order: { ...order, orderId: 'PL-2' } },
      { order: { ...order, cardNo: '8800003922' } },
      { order: { ...order, plan: [1] } },
    ])
      expect(await answered(over)).toMatchObject({ ok: false, error: { code: 'BILL-0102' } });
  });
  it.each([
    ['claimed', 'BILL-0105'],
    ['already-delivered', 'BILL-0106'],
    ['refund-claimed', 'BILL-0107'],
    ['not-in-doubt', 'BILL-0108'],
    ['internal', 'BILL-0101'],
  ])('refused as %s: %s', async (type, code) => {
    const refusal = json({ type: `about:pilotlight/${type}`, title: type, status: 409 }, 409);
    expect(await fake(refusal, (c) => c.claim('PL-1', 'write', '8800003921'))).toMatchObject({
      ok: false,
      error: { code },
    });
  });
  it('on a quote, claimed means a sale elsewhere', async () => {
    expect(
      await fake(json({ type: 'about:pilotlight/claimed', title: '', status: 409 }, 409), (c) =>
        c.quote({ orderId: null, cardNo: '8800003921', nextCount: 42, amountFen: 1_000 }),
      ),
    ).toMatchObject({ ok: false, error: { code: 'SALE-0107' } });
  });
  it('a granted epoch is after the one that asked', async () => {
    const ask = (granted: number | null) =>
      fake(json({ granted, serverTimeMs: 0 }), (c) =>
        c.requestEpoch({ epoch: 3, lastSeq: 1, lastHash: 'x', why: 'y' }),
      );
    expect(await ask(null)).toEqual({ ok: true, value: null });
    expect(await ask(4)).toEqual({ ok: true, value: 4 });
    expect(await ask(3)).toMatchObject({ ok: false, error: { code: 'BILL-0102' } });
  });
  it('a transport that never answers and cannot be aborted still ends at the time-out', async () => {
    let fire: () => void = () => undefined;
    const asked = clientWith({
      clock: { ...hall.clock, after: (_ms, fn) => ((fire = fn), () => undefined) },
      send: () => new Promise(() => undefined),
    }).commands();
    fire();
    expect(await asked).toMatchObject({
      ok: false,
      error: { code: 'BILL-0101', detail: 'no answer within 5000 ms' },
    });
  });
});
