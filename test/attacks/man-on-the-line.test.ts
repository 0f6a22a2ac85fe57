import { afterEach, describe, expect, it } from 'vitest';
import { createBillingClient } from '../../src/billing/client.ts';
import type { BillingClient } from '../../src/billing/types.ts';
import type { HttpAnswer, HttpRequest } from '../../src/shared/http.ts';
import { Keyring } from '../../src/shared/signatures.ts';
import { accountsOf, COUNT } from '../concurrency/company.ts';
import { into, openRoom, quickSigner } from '../unit/central/harness.ts';
import type { Room } from '../unit/central/harness.ts';

/**
 * Somebody sits between a kiosk and central, with TLS broken (a company's proxy, a stolen
 * certificate). He reads all and changes what he likes; central's signature is what he lacks.
 */
const ACCOUNTS = accountsOf(4);
const [CARD, OTHER_CARD] = ACCOUNTS.map((a) => a.cardNo) as [string, string];
let room: Room;
afterEach(() => room.close());

type Answer = (request: HttpRequest) => Promise<HttpAnswer>;
/** What he does with a request; `on`: what central says to what he sends on. */
type Middle = (request: HttpRequest, on: Answer) => Promise<HttpAnswer>;

async function start(): Promise<void> {
  room = await openRoom('sqlite', 2, { accounts: ACCOUNTS, claims: [] });
}
/** The kiosk at the end of his line. */
function behind(middle: Middle, terminal = 0): BillingClient {
  const id = room.terminals[terminal]?.id ?? '';
  let n = 0;
  return createBillingClient({
    baseUrl: 'http://central',
    terminalId: id,
    signer: quickSigner(id),
    policyKeys: new Keyring(quickSigner('policy')),
    answerKeys: new Keyring(quickSigner('answers')),
    clock: { nowMs: () => room.now, monoMs: () => room.now, after: () => () => undefined },
    random: { bytes: (length) => new Uint8Array(length).fill(++n + 100 * terminal) },
    timeoutMs: 1_000,
    send: (request) => middle(request, into(room.central)),
  });
}
const text = (answer: HttpAnswer): string => Buffer.from(answer.body ?? []).toString('utf8');
const saying = (answer: HttpAnswer, body: string, status = answer.status): HttpAnswer => ({
  ...answer,
  status,
  body: Buffer.from(body, 'utf8'),
});
const made = (status: number, body: unknown): HttpAnswer => ({
  status,
  header: () => null,
  body: Buffer.from(JSON.stringify(body), 'utf8'),
});
/** As if nobody had answered: the kiosk asks again, and decides nothing by it. */
const NOT_HEARD = {
  ok: false,
  error: { code: 'BILL-0101', detail: expect.stringContaining('not believed') as string },
};
const refusal = (type: string) => ({ type: `about:pilotlight/${type}`, title: '', status: 409 });

describe('what he says in central’s name is not heard', () => {
  it('an account with prices of his own', async () => {
    await start();
    const kiosk = behind(async (request, on) => {
      const answer = await on(request);
      return saying(answer, text(answer).replace(/"priceE4":\d+/g, '"priceE4":1'));
    });
    expect(await kiosk.account(CARD)).toMatchObject(NOT_HEARD);
  });

  it('a refusal, which would close, refund or park an order', async () => {
    await start();
    for (const type of ['already-delivered', 'refund-claimed', 'not-in-doubt'])
      for (const status of [409, 500, 503]) {
        const kiosk = behind(() => Promise.resolve(made(status, refusal(type))));
        expect(await kiosk.claim('PL-1', 'write', CARD), `${type} ${status}`).toMatchObject(
          NOT_HEARD,
        );
      }
  });

  it('a refund claim that central did not grant', async () => {
    await start();
    const granted = { kind: 'refund', ttlMs: 0, order: null, serverTimeMs: room.now };
    const kiosk = behind(() => Promise.resolve(made(200, granted)));
    expect(await kiosk.claim('PL-1', 'refund', CARD)).toMatchObject(NOT_HEARD);
  });

  it('another time, by which a dead clock would be set', async () => {
    await start();
    const kiosk = behind(async (request, on) => {
      const answer = await on(request);
      return saying(answer, JSON.stringify({ serverTimeMs: room.now + 86_400_000 }));
    });
    expect(await kiosk.time()).toMatchObject(NOT_HEARD);
    expect(await behind((request, on) => on(request)).time()).toMatchObject({ ok: true });
  });

  it('an acknowledgement of facts that he kept to himself', async () => {
    await start();
    const { journal } = room.terminals[0] as Room['terminals'][number];
    journal.add('clock-step', null, { stepMs: 1 });
    const ackHash = journal.hashAt(1);
    const taken = { ackSeq: 1, ackHash, serverTimeMs: 0, nextUploadAfterMs: 0, quarantined: [] };
    const kiosk = behind(() => Promise.resolve(made(200, taken)));
    expect(await journal.send(kiosk, 1)).toMatchObject({ kind: 'away' });
  });
});

describe('what central said counts for the question that it answered', () => {
  it('an answer that he kept answers no later question', async () => {
    await start();
    const kept: HttpAnswer[] = [];
    const kiosk = behind(async (request, on) => {
      const answer = kept[0] ?? (await on(request));
      kept.push(answer);
      return answer;
    });
    const request = { orderId: null, cardNo: CARD, nextCount: COUNT + 1, amountFen: 10_000 };
    expect(await kiosk.quote(request)).toMatchObject({ ok: true });
    expect(await kiosk.quote(request)).toMatchObject(NOT_HEARD);
  });

  it('nor does another terminal’s answer', async () => {
    await start();
    let other: HttpAnswer | null = null;
    await behind(async (request, on) => (other = await on(request)), 1).account(CARD);
    const kiosk = behind(() => Promise.resolve(other as unknown as HttpAnswer));
    expect(await kiosk.account(CARD)).toMatchObject(NOT_HEARD);
  });

  it('nor what central said to a request that he changed on the way', async () => {
    await start();
    const kiosk = behind((request, on) =>
      on({ ...request, body: Buffer.from(JSON.stringify({ kind: 'refund', cardNo: OTHER_CARD })) }),
    );
    expect(await kiosk.claim('PL-1', 'write', CARD)).toMatchObject(NOT_HEARD);
    const elsewhere = behind((request, on) =>
      on({ ...request, target: request.target.replace(CARD, OTHER_CARD) }),
    );
    expect(await elsewhere.account(CARD)).toMatchObject(NOT_HEARD);
  });
});

it('central’s next key is believed while it is being changed, and a stranger’s never', async () => {
  await start();
  const id = room.terminals[0]?.id ?? '';
  const client = (answerKeys: Keyring) =>
    createBillingClient({
      baseUrl: 'http://central',
      terminalId: id,
      signer: quickSigner(id),
      policyKeys: new Keyring(quickSigner('policy')),
      answerKeys,
      clock: { nowMs: () => room.now, monoMs: () => room.now, after: () => () => undefined },
      random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
      timeoutMs: 1_000,
      send: into(room.central),
    });
  const [mine, other] = [quickSigner('answers'), quickSigner('stranger')];
  expect(await client(new Keyring(other, mine)).account(CARD)).toMatchObject({ ok: true });
  expect(await client(new Keyring(other)).account(CARD)).toMatchObject(NOT_HEARD);
  // Keys of the other two kinds do not answer for this one.
  for (const kind of ['policy', 'gateway'])
    expect(await client(new Keyring(quickSigner(kind))).account(CARD)).toMatchObject(NOT_HEARD);
});
