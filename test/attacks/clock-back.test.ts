import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBillingClient } from '../../src/billing/client.ts';
import type { CentralRequest } from '../../src/central/http/request.ts';
import type { HttpSend } from '../../src/shared/http.ts';
import { Keyring } from '../../src/shared/signatures.ts';
import { into, openRoom, quickSigner } from '../unit/central/harness.ts';
import type { Room } from '../unit/central/harness.ts';

/** Somebody has kept a signed request, and a say in what central's clock shows. */
const HOUR_MS = 3_600_000;
let room: Room;
beforeEach(async () => {
  room = await openRoom('sqlite', 2);
});
afterEach(() => room.close());

/** A terminal whose requests are kept as they leave; its own clock goes right. */
function terminal(clockMs: () => number) {
  const { id } = room.terminals[0] as Room['terminals'][number];
  let last: CentralRequest | null = null;
  const send: HttpSend = (request) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([k, v]) => [k.toLowerCase(), v]),
    );
    const { method, target, body } = request;
    last = { method, target, headers, body: body ?? new Uint8Array(0) };
    return into(room.central)(request);
  };
  const client = createBillingClient({
    baseUrl: 'http://central',
    terminalId: id,
    signer: quickSigner(id),
    policyKeys: new Keyring(quickSigner('policy')),
    answerKeys: new Keyring(quickSigner('answers')),
    clock: { nowMs: clockMs, monoMs: clockMs, after: () => () => undefined },
    random: { bytes: (n) => randomBytes(n) },
    timeoutMs: 1_000,
    send,
  });
  return { client, last: () => last as unknown as CentralRequest };
}
const again = async (request: CentralRequest): Promise<number> =>
  (await room.central.handle(request)).status;

describe('an old request, and central’s clock set back', () => {
  it('is not carried out again, however long ago its nonce was let go', async () => {
    const { client, last } = terminal(() => room.now);
    const beganMs = room.now;
    expect(await client.commands()).toMatchObject({ ok: true });
    const kept = last();
    for (let hour = 0; hour < 30; hour++) {
      room.now += HOUR_MS;
      expect(await client.commands()).toMatchObject({ ok: true });
    }
    const [{ n } = { n: 0 }] = await room.db.query<{ n: unknown }>(
      'SELECT COUNT(*) AS n FROM nonces',
    );
    expect(Number(n)).toBeLessThan(6);
    expect(await again(kept)).toBe(401);
    room.now = beganMs;
    expect(await again(kept)).toBe(409);
    // A process that has just begun knows it too: it stands in the database.
    expect(await room.db.query('SELECT from_ms FROM nonce_marks')).toHaveLength(1);
  });

  it('nor after a clock that was set forward in between, which forgets nothing', async () => {
    const { client, last } = terminal(() => room.now);
    expect(await client.commands()).toMatchObject({ ok: true });
    const kept = last();
    const rightMs = room.now;
    room.now += 50 * HOUR_MS;
    const other = room.terminals[1] as Room['terminals'][number];
    expect(await other.client.commands()).toMatchObject({ ok: true });
    room.now = rightMs + 60_000;
    expect(await again(kept)).toBe(409);
  });

  it('an honest terminal goes on: after central’s hour ahead, and after one that both were wrong by', async () => {
    let aheadMs = 0;
    let wrongMs = 0;
    const rightMs = room.now;
    const { client } = terminal(() => room.now - aheadMs);
    expect(await client.commands()).toMatchObject({ ok: true });
    room.now = rightMs + HOUR_MS;
    aheadMs = HOUR_MS;
    // Refused while central is wrong, whatever it asks.
    expect(await client.commands()).toMatchObject({ ok: false });
    room.now = rightMs + 60_000;
    aheadMs = 0;
    expect(await client.commands()).toMatchObject({ ok: true });
    for (; wrongMs < 5; wrongMs++) {
      room.now = rightMs + HOUR_MS + wrongMs * 120_000;
      expect(await client.commands()).toMatchObject({ ok: true });
    }
    room.now = rightMs + 600_000;
    expect(await client.commands()).toMatchObject({ ok: true });
  });
});
