import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { httpSmsPlatform } from '../../src/central/requests/sms-platform.ts';
import type { Sms, SmsPlatform } from '../../src/central/requests/sms-platform.ts';
import { DEMO_POLICY } from '../../src/demo/central-data.ts';
import { systemClock } from '../../src/main/ports.ts';
import {
  openingKey,
  sealTo,
  sealedHash,
  sealingKey,
  sealingKeyOf,
} from '../../src/shared/sealed-box.ts';
import { DAY_MS } from '../../src/shared/time.ts';
import { seededRandom } from '../support/kiosk-world.ts';
import { openRoom } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/**
 * The platform of messages, a process of its own that answers, whose answers are lost, and that is
 * killed: each phone has each message once.
 */
const PEM = generateKeyPairSync('x25519').privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const TO = sealingKeyOf(openingKey(PEM));
const random = seededRandom('sms');
const TEN = Date.parse('2026-06-03T10:00:00+08:00');
const PHONES = ['13805586212', '15900001111'] as const;
let dir: string;
let room: Room;
let child: ChildProcess | null = null;
let port = 1;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pilotlight-sms-'));
  room = await openRoom('sqlite', 1, {
    requestKeys: [PEM],
    smsPlatform: http,
    policy: {
      ...DEMO_POLICY,
      info: {
        outages: [
          {
            area: { zh: '清河路以东', en: 'East' },
            reason: { zh: '检修', en: 'Repair' },
            fromMs: TEN + DAY_MS,
            toMs: TEN + 2 * DAY_MS,
            smsAreas: ['qinghe'],
          },
        ],
        prices: [],
        papers: [],
      },
    },
  });
  room.now = TEN;
});
afterEach(async () => {
  await stop();
  await room.close();
  rmSync(dir, { recursive: true, force: true });
});
async function start(answers: string): Promise<void> {
  const args = ['--file', join(dir, 'sms.json'), '--secret', 's3', '--answers', answers];
  const server = spawn(process.execPath, ['src/simulator/sms-platform/server.ts', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = server;
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  port = Number(line.toString());
}
async function stop(): Promise<void> {
  const was = child;
  child = null;
  port = 1;
  if (was === null || was.exitCode !== null || was.signalCode !== null) return;
  was.kill('SIGKILL');
  await once(was, 'exit');
}
const platform = (): SmsPlatform =>
  httpSmsPlatform({
    baseUrl: `http://127.0.0.1:${port}`,
    secret: 's3',
    clock: systemClock,
    timeoutMs: 2_000,
  });
const http: SmsPlatform = {
  send: (sms) => platform().send(sms),
  ask: (id) => platform().ask(id),
  replies: (after) => platform().replies(after),
};
const call = async (path: string, body?: unknown): Promise<unknown> =>
  (
    await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { authorization: 'Bearer s3' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
  ).json();
const outbox = async (): Promise<readonly string[]> =>
  ((await call('/outbox')) as Sms[]).map((m) => m.to);
async function subscribe(phone: string, n: number): Promise<void> {
  const t = room.terminals[0] as Terminal;
  const number = `RQ-${t.id}-1-000${n}-4821`;
  const sealed = sealTo(sealingKey(TO), JSON.stringify({ phone }), number, random);
  t.journal.add('request-made', null, {
    number,
    category: 'outage-sms',
    kind: 'outage-sms',
    name: { zh: '停气短信', en: 'SMS' },
    choice: { id: 'qinghe', zh: '清河路片区', en: 'Qinghe' },
    slot: null,
    userNo: null,
    madeMs: room.now,
    dueMs: room.now,
    sealedHash: sealedHash(sealed),
    policyVersion: 1,
  });
  expect(await t.upload()).toEqual([]);
  expect(await t.client.requests.sendSealed(number, sealed)).toMatchObject({ ok: true });
}
const later = async (): Promise<void> => {
  room.now += 3_600_000;
  await room.central.sweepMessages();
};

it('a platform that is killed before it answered, and comes back: each phone has one message', async () => {
  for (const [n, phone] of PHONES.entries()) await subscribe(phone, n + 1);
  await room.central.sweepMessages();
  await start('lost');
  await later();
  expect(await outbox()).toHaveLength(1);
  await stop();
  await later();
  await start('lost');
  for (let n = 0; n < 4; n++) await later();
  expect((await outbox()).toSorted()).toEqual([...PHONES].toSorted());
  await stop();
  await start('at-once');
  for (let n = 0; n < 3; n++) await later();
  expect(await outbox()).toHaveLength(2);
  const rows = await room.db.query('SELECT state FROM sms_messages');
  expect(rows).toEqual([{ state: 'accepted' }, { state: 'accepted' }]);
}, 30_000);

it('a platform whose answers mean nothing is believed nothing', async () => {
  await start('at-once');
  const other = httpSmsPlatform({
    baseUrl: `http://127.0.0.1:${port}`,
    secret: 'wrong',
    clock: systemClock,
    timeoutMs: 2_000,
  });
  expect(await other.send({ id: 'm1', to: PHONES[0], text: 'x' })).toEqual({ kind: 'unknown' });
  expect(await other.replies(0)).toBeNull();
  expect(await http.ask('m1')).toEqual({ kind: 'unheard' });
  expect(await http.send({ id: 'm1', to: '0558123', text: 'x' })).toMatchObject({
    kind: 'refused',
  });
});

it('an answer of T at the phone: nothing more is sent, and the number is gone', async () => {
  await start('at-once');
  await subscribe(PHONES[0], 1);
  await call('/answer', { from: PHONES[0], text: 'T', atMs: room.now + 1 });
  await later();
  expect(await outbox()).toEqual([]);
  expect(await room.db.query('SELECT 1 FROM sms_subscriptions')).toEqual([]);
});
