import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { alarmsPage } from '../../../src/central/console/alarm-pages.ts';
import { keepHeartbeat } from '../../../src/central/fleet/heartbeats.ts';
import { alarmsOf, alarmsSeen, CLEAR_AFTER_MS } from '../../../src/central/staff/alarms/alarms.ts';
import type { Alarms } from '../../../src/central/staff/alarms/alarms.ts';
import { ALARM_CODES, alarmsConfigSchema } from '../../../src/central/staff/alarms/config.ts';
import type { AlarmsConfig } from '../../../src/central/staff/alarms/config.ts';
import type { AlarmNotice } from '../../../src/central/staff/alarms/messages.ts';
import { ALARM_RULES, ONE_BY_ONE } from '../../../src/central/staff/alarms/rules.ts';
import type { Heartbeat } from '../../../src/shared/central-api/index.ts';
import { MailServer, Receiver, textOfMail } from '../../support/alarm-ends.ts';
import { ENGINES, openRoom } from './harness.ts';
import type { Room } from './harness.ts';

const MINUTE = 60_000;
const SECRET = 'a webhook secret';
let room: Room;
let mail: MailServer;
let receiver: Receiver;
afterEach(async () => {
  await room.close();
  await mail.close();
  await receiver.close();
});

const clock = () => ({
  nowMs: () => room.now,
  monoMs: () => room.now,
  after: () => () => undefined,
});
const configOf = (over: Partial<AlarmsConfig> = {}): AlarmsConfig =>
  alarmsConfigSchema.parse({
    mail: {
      host: '127.0.0.1',
      port: mail.port,
      tls: 'none',
      from: 'central@example.cn',
      to: ['duty@example.cn'],
    },
    webhook: { url: receiver.url, secretFile: 'webhook.secret' },
    ...over,
  });
const open = async (
  engine: (typeof ENGINES)[number],
  terminals = 2,
  over: Partial<AlarmsConfig> = {},
): Promise<Alarms> => {
  room = await openRoom(engine, terminals);
  mail = await new MailServer().listen();
  receiver = await new Receiver().listen();
  return another(over);
};
const another = (over: Partial<AlarmsConfig> = {}): Alarms =>
  alarmsOf(() => room.db, { config: configOf(over), webhookSecret: SECRET, clock: clock() });
const notices = (): readonly AlarmNotice[] =>
  receiver.posts.map(({ body }) => JSON.parse(body) as AlarmNotice);
const told = (): readonly string[] =>
  notices().map(({ code, what, subject, measure }) =>
    [code, what, subject, measure].join(' ').replace('  ', ' '),
  );
const beat = (over: Partial<Heartbeat> = {}): Heartbeat => ({
  atMs: room.now,
  version: '0.1.0',
  level: 'in-service',
  codes: [],
  devices: [],
  freeBytes: 1e9,
  clockSkewMs: null,
  unsent: { events: 0, oldestMs: null },
  ...over,
});
const printer = (level: string): Heartbeat['devices'][number] => ({
  device: 'printer',
  state: 'online',
  usable: true,
  sinceMs: 0,
  lastError: null,
  media: null,
  consumables: [{ name: '凭条纸', level }],
});
/** A round after so long. */
const after = async (alarms: Alarms, ms: number): Promise<void> => {
  room.now += ms;
  await alarms.sweep();
};

describe.each(ENGINES)('alarms, on %s', (engine) => {
  it('a silent terminal: raised once by mail and webhook, told again when it is twice as bad, and when it is over', async () => {
    const alarms = await open(engine);
    const [t] = room.terminals;
    await keepHeartbeat(room.db, t?.id ?? '', beat(), room.now);
    await alarms.sweep();
    await after(alarms, 14 * MINUTE);
    expect(told()).toEqual([]);
    await after(alarms, MINUTE);
    const raised = `TERMINAL-SILENT raised ${t?.id} 15`;
    expect(told()).toEqual([raised]);
    for (let i = 0; i < 14; i++) await after(alarms, MINUTE);
    expect(told()).toEqual([raised]);
    await after(alarms, MINUTE);
    const worse = `TERMINAL-SILENT worse ${t?.id} 30`;
    expect(told()).toEqual([raised, worse]);
    await keepHeartbeat(room.db, t?.id ?? '', beat(), room.now);
    await after(alarms, MINUTE);
    // What comes and goes is not told each time.
    expect(told()).toEqual([raised, worse]);
    await keepHeartbeat(room.db, t?.id ?? '', beat(), room.now);
    await after(alarms, CLEAR_AFTER_MS);
    expect(told()).toEqual([raised, worse, `TERMINAL-SILENT cleared ${t?.id} 30`]);
    expect(new Set(notices().map(({ alarm }) => alarm)).size).toBe(1);
    expect((await alarmsSeen(room.db)).map((a) => [a.code, a.clearedMs, a.untold])).toEqual([
      ['TERMINAL-SILENT', room.now, 0],
    ]);

    expect(mail.mails).toHaveLength(3);
    const [first] = mail.mails;
    expect(first).toMatchObject({ from: 'central@example.cn', to: ['duty@example.cn'] });
    expect(textOfMail(first ?? mail.mails[1]!)).toContain(`对象：${t?.id}`);
    expect(textOfMail(first ?? mail.mails[1]!)).toContain('程度：15 分钟');
    expect(first?.source).toMatch(/^Message-ID: <alarm-\d+-\d+@example\.cn>/m);
    const [post] = receiver.posts;
    const at = Number(post?.headers['x-pilotlight-timestamp']);
    expect(at).toBe(Math.floor((1_780_000_000_000 + 15 * MINUTE) / 1_000));
    expect(post?.headers['x-pilotlight-signature']).toBe(
      `v1=${createHmac('sha256', SECRET).update(`${at}.${post?.body}`).digest('hex')}`,
    );
    expect(post?.headers['content-type']).toBe('application/json');
  });

  it('each rule finds what it is for, by its threshold, and nothing else; what is off tells nobody', async () => {
    const alarms = await open(engine, 3, {
      rules: { 'TERMINAL-UNSENT': { threshold: 50 }, 'TERMINAL-PAPER-OUT': { off: true } },
    });
    const [a, b, c] = room.terminals.map(({ id }) => id);
    const db = room.db;
    await alarms.sweep();
    expect(told()).toEqual([]);
    await keepHeartbeat(
      db,
      a ?? '',
      beat({ level: 'out-of-service', codes: ['CARD-0101'] }),
      room.now,
    );
    await keepHeartbeat(
      db,
      b ?? '',
      beat({ unsent: { events: 50, oldestMs: 1 }, devices: [printer('empty')] }),
      room.now,
    );
    await keepHeartbeat(db, c ?? '', beat({ unsent: { events: 49, oldestMs: 1 } }), room.now);
    await db.query('UPDATE terminals SET alarm = $2 WHERE terminal_id = $1', [c, 'FORK at 1/7']);
    await db.query(
      `INSERT INTO epoch_requests (terminal_id, epoch, last_seq, last_hash, why, at_ms)
       VALUES ($1, 1, 0, 'x', 'restored', $2)`,
      [b, room.now],
    );
    await db.query(
      `INSERT INTO quarantine (terminal_id, epoch, seq, kind, reason, at_ms)
       VALUES ($1, 1, 1, 'order-paid', 'unknown', $2)`,
      [a, room.now],
    );
    await db.query(
      `INSERT INTO refund_waits (terminal_id, number, out_trade_no, fen, since_ms)
       VALUES ($1, 'R1', 'P1', 100, $2)`,
      [a, room.now],
    );
    await db.query(
      `INSERT INTO sale_findings (order_id, reason, terminal_id, user_no, detail, accuses, at_ms)
       VALUES ('PL-1', 'over-known-limit', $1, 'u', '', $3, $2)`,
      [a, room.now, true],
    );
    await db.query(`INSERT INTO staff_tries (what, span, n) VALUES ('name 李', $1, 20)`, [
      Math.floor(room.now / (15 * MINUTE)),
    ]);
    await after(alarms, MINUTE);
    expect(told()).toEqual([
      `TERMINAL-OUT-OF-SERVICE raised ${a} 1`,
      `TERMINAL-UNSENT raised ${b} 50`,
      `TERMINAL-ALARM raised ${c} 1`,
      `TERMINAL-ASKS-EPOCH raised ${b} 1`,
      'FACTS-QUARANTINED raised 1',
      'REFUNDS-WAIT raised 1',
      'CROSS-CHECK raised 1',
      'LOG-INS-FAILED raised 20',
    ]);
    // Nothing of a person leaves.
    expect(JSON.stringify([mail.mails, receiver.posts])).not.toContain('李');
    // With the paper's rule on, the same books tell of it too.
    await another({ rules: {} }).sweep();
    expect(told().filter((line) => line.includes('PAPER'))).toEqual([
      `TERMINAL-PAPER-OUT raised ${b} 1`,
    ]);
    await db.query(`UPDATE terminals SET status = 'revoked'`);
    await after(alarms, CLEAR_AFTER_MS + MINUTE);
    expect(told().filter((line) => line.includes('cleared')).length).toBeGreaterThanOrEqual(3);
  });

  it('several processes tell once; whoever is away is told later, with patience, in order', async () => {
    const alarms = await open(engine);
    const second = another();
    const [t] = room.terminals;
    await keepHeartbeat(room.db, t?.id ?? '', beat(), room.now);
    mail.refusals.push(451, 451, 550);
    receiver.statuses.push(500, 302);
    room.now += 15 * MINUTE;
    await Promise.all([alarms.sweep(), second.sweep(), another().sweep()]);
    const made = await room.db.query<{ n: unknown }>('SELECT COUNT(*) AS n FROM alarm_messages');
    expect(Number(made[0]?.n)).toBe(2);
    expect([mail.mails.length, receiver.posts.length]).toEqual([0, 0]);
    const [seen] = await alarmsSeen(room.db);
    expect(seen).toMatchObject({ untold: 2, clearedMs: null });
    expect(seen?.said).toMatch(/451|500/);
    // Not before its time: 1 min, then 2, then 4.
    await after(alarms, MINUTE - 1);
    expect(mail.refusals).toHaveLength(2);
    await after(alarms, 1);
    expect(mail.refusals).toHaveLength(1);
    // Meanwhile it is over: told after what it ends.
    await keepHeartbeat(room.db, t?.id ?? '', beat(), room.now);
    await after(second, CLEAR_AFTER_MS);
    for (let i = 0; i < 8; i++) {
      await keepHeartbeat(room.db, t?.id ?? '', beat(), room.now);
      await after(i % 2 === 0 ? alarms : second, MINUTE);
    }
    expect(told()).toEqual([
      `TERMINAL-SILENT raised ${t?.id} 15`,
      `TERMINAL-SILENT cleared ${t?.id} ${notices()[1]?.measure}`,
    ]);
    expect(mail.mails.map((one) => textOfMail(one).slice(0, 3))).toEqual(['报警：', '解除：']);
    expect(new Set(receiver.posts.map((p) => p.headers['x-pilotlight-delivery'])).size).toBe(2);
    await alarms.sweep();
    expect(mail.mails).toHaveLength(2);
  });

  it('a mass outage is one alarm, and its end one', async () => {
    const alarms = await open(engine, ONE_BY_ONE + 5);
    for (const { id } of room.terminals) await keepHeartbeat(room.db, id, beat(), room.now);
    await after(alarms, 15 * MINUTE);
    expect(told()).toEqual([`TERMINAL-SILENT raised * ${ONE_BY_ONE + 5}`]);
    // What is counted are terminals, and no minutes.
    const [one] = mail.mails;
    expect(one === undefined ? '' : textOfMail(one)).toContain(`程度：${ONE_BY_ONE + 5} 台`);
    const page = alarmsPage(await alarmsSeen(room.db), true);
    expect(page).toContain(`<td>${ONE_BY_ONE + 5} 台</td>`);
    expect(page).toContain('href="/console/terminals?show=missed"');
    const asking = (await alarmsSeen(room.db)).map((a) => ({
      ...a,
      code: 'TERMINAL-ASKS-EPOCH' as const,
    }));
    expect(alarmsPage(asking, true)).toContain('href="/console/terminals?show=alarm"');
    for (const { id } of room.terminals) await keepHeartbeat(room.db, id, beat(), room.now);
    await after(alarms, CLEAR_AFTER_MS);
    expect(told()[1]).toBe(`TERMINAL-SILENT cleared * ${ONE_BY_ONE + 5}`);
  });
});

describe('what alarms are configured by', () => {
  it('every code has a rule; what is wrong is refused; a password waits for TLS and its file', async () => {
    await open('sqlite');
    expect(Object.keys(ALARM_RULES).toSorted()).toEqual([...ALARM_CODES].toSorted());
    const { mail: good } = configOf();
    for (const bad of [
      { mail: { ...good, tls: 'maybe' } },
      { mail: { ...good, user: 'u' } },
      { mail: { ...good, user: 'u', passwordFile: 'p' } },
      { mail: { ...good, to: [] } },
      { mail: { ...good, to: ['nobody'] } },
      { webhook: { url: 'ftp://x', secretFile: 's' } },
      { rules: { 'NO-SUCH-RULE': {} } },
      { rules: { 'TERMINAL-SILENT': { threshold: 0 } } },
      { extra: 1 },
    ])
      expect(alarmsConfigSchema.safeParse(bad).success).toBe(false);
    expect(() => alarmsOf(() => room.db, { config: configOf(), clock: clock() })).toThrow(
      'alarms.webhook has no secret',
    );
  });

  it('a server without STARTTLS is told nothing where TLS is wanted, and a wrong password delivers nothing', async () => {
    await open('sqlite');
    const [t] = room.terminals;
    await keepHeartbeat(room.db, t?.id ?? '', beat(), room.now);
    await mail.close();
    mail = await new MailServer({ login: ['central', 'right'] }).listen();
    const { mail: plain } = configOf();
    if (plain === undefined) throw new Error('none');
    // Its certificate is nobody's: the password is not sent to it.
    const alarms = alarmsOf(() => room.db, {
      config: configOf({
        mail: { ...plain, tls: 'starttls', user: 'central', passwordFile: 'p' },
      }),
      mailPassword: 'right',
      webhookSecret: SECRET,
      clock: clock(),
    });
    await after(alarms, 15 * MINUTE);
    expect(mail.mails).toEqual([]);
    expect((await alarmsSeen(room.db))[0]).toMatchObject({ untold: 1 });
    expect((await alarmsSeen(room.db))[0]?.said).toMatch(/certificate|self.signed/i);
    const known = (mailPassword: string): Alarms =>
      alarmsOf(() => room.db, {
        config: configOf({
          mail: { ...plain, tls: 'starttls', user: 'central', passwordFile: 'p', caFile: 'ca' },
        }),
        mailPassword,
        mailCaPem: mail.caPem,
        webhookSecret: SECRET,
        clock: clock(),
      });
    await after(known('wrong'), MINUTE);
    expect(mail.mails).toEqual([]);
    await after(known('right'), 2 * MINUTE);
    expect(mail.mails).toMatchObject([{ user: 'central', secure: true }]);
  });
});
