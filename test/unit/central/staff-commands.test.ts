import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { CommandContext } from '../../../src/main/central/command.ts';
import { loadStaff } from '../../../src/main/central/load-staff.ts';
import { centralConfigSchema } from '../../../src/main/central/config.ts';
import { NOUNS } from '../../../src/main/central/nouns.ts';
import { auditOf } from '../../../src/central/staff/audit.ts';
import { systemClock } from '../../../src/main/ports.ts';
import { err, ok } from '../../../src/shared/result.ts';
import type { Result } from '../../../src/shared/result.ts';
import { authority as authorityOf } from '../../support/certificates.ts';
import type { Room } from './harness.ts';
import { enrolled, openStaffRoom, random } from './staff-room.ts';

let room: Room;
afterEach(async () => {
  await room.close();
});

/** Types one command. */
async function type(...args: readonly string[]) {
  const out: string[] = [];
  const problems: string[] = [];
  const context: CommandContext = {
    db: room.db,
    out: (line) => void out.push(line),
    err: (line) => void problems.push(line),
    nowMs: () => room.now,
    random,
    readFile: () => Promise.reject(new Error('none')),
    writeFile: () => Promise.reject(new Error('none')),
    who: '管理员',
    publicKeys: { policy: '', answers: '', gateway: '' },
  };
  const code = (await NOUNS['staff']?.run(args, context)) ?? -1;
  return { code, out, problems };
}

describe('central staff …', () => {
  it('adds, lists, changes, resets, disables and gives tokens; each is in the audit, and no secret is', async () => {
    room = await openStaffRoom('sqlite', 1);
    expect((await type('list')).out).toEqual(['nobody yet: staff add NAME --role administrator']);
    const added = await type('add', '李雷', '--role', 'clerk,finance');
    expect(added.code).toBe(0);
    const [setup = ''] = added.out;
    expect(setup).toMatch(/^pls_[\w-]{43}$/);
    // The code stands in no address.
    expect(added.out.slice(1).join()).not.toContain(setup);
    expect((await type('list')).out).toEqual([
      expect.stringMatching(/^李雷 {2}clerk,finance {2}waits for the first log-in until 2026-/),
    ]);
    const { browser } = await enrolled(room, '李雷', setup);
    expect((await type('list')).out).toEqual(['李雷  clerk,finance  set up']);
    expect(await type('role', '李雷', 'viewer')).toMatchObject({ code: 0, out: ['李雷: viewer'] });
    expect((await browser.get('/')).status).toBe(303);
    const token = await type('token', '李雷', '--role', 'viewer', '--days', '7');
    expect(token.out[0]).toMatch(/^pl_[\w-]{43}$/);
    expect((await type('disable', '李雷')).code).toBe(0);
    expect((await type('list')).out[0]).toContain('disabled 2026-');
    const reset = await type('reset', '李雷');
    expect(reset.out[0]).toMatch(/^pls_/);
    const entries = await auditOf(room.db, { who: '管理员' }, 20);
    expect(entries.map(({ act, via }) => [act, via])).toEqual([
      ['staff-reset', 'command'],
      ['staff-disable', 'command'],
      ['staff-token', 'command'],
      ['staff-roles', 'command'],
      ['staff-add', 'command'],
    ]);
    const rows = JSON.stringify([
      entries,
      await room.db.query('SELECT * FROM staff'),
      await room.db.query('SELECT * FROM staff_tokens'),
    ]);
    for (const secret of [setup, token.out[0], reset.out[0]]) expect(rows).not.toContain(secret);
  });

  it('says in one sentence what is wrong, and changes nothing', async () => {
    room = await openStaffRoom('sqlite', 1);
    await type('add', '李雷', '--role', 'viewer');
    for (const [args, code, words] of [
      [['add', '李 雷', '--role', 'viewer'], 1, 'bad-name'],
      [['add', '李雷', '--role', 'viewer'], 1, 'taken'],
      [['add', '王芳', '--role', 'boss'], 2, 'roles are'],
      [['add', '王芳'], 1, 'no-roles'],
      [['add', '王芳', '--admin'], 2, 'admin'],
      [['role', '李雷'], 1, 'no-roles'],
      [['role', '没有', 'viewer'], 1, 'unknown'],
      [['disable', '没有'], 1, 'unknown'],
      [['reset', '没有'], 1, 'unknown'],
      [['token', '李雷', '--role', 'viewer'], 1, 'bad-days'],
      [['token', '李雷', '--role', 'administrator', '--days', '9'], 1, 'not-theirs'],
      [['token', '李雷', '--role', 'viewer', '--days', '9999'], 1, 'bad-days'],
    ] as const) {
      const typed = await type(...args);
      expect([args.join(' '), typed.code, typed.problems.length]).toEqual([
        args.join(' '),
        code,
        1,
      ]);
      expect(typed.problems[0]).toContain(words);
    }
    for (const args of [[], ['what', '李雷'], ['add'], ['disable', '李雷', '王芳']]) {
      const typed = await type(...args);
      expect([args.join(' '), typed.code]).toEqual([args.join(' '), 2]);
      expect(typed.problems.join('\n')).toContain('staff add NAME');
    }
    expect(await auditOf(room.db, {}, 20)).toHaveLength(1);
  });
});

describe('what central.json says of staff and alarms', () => {
  it('is loaded with its secrets, and each thing that is wrong is named', async () => {
    room = await openStaffRoom('sqlite', 1);
    const { staff, alarms } = centralConfigSchema.shape;
    const load = (told: unknown, watch: unknown, secret: Result<string, string> = ok('s3cret')) => {
      const problems: string[] = [];
      const config = {
        mode: 'production',
        staff: staff.parse(told),
        alarms: alarms.parse(watch),
      } as unknown as Parameters<typeof loadStaff>[0]['config'];
      const loaded = loadStaff(
        { config, path: (file) => path.resolve('/etc', file) },
        { clock: systemClock, random },
        () => secret,
        problems,
      );
      return { loaded, problems };
    };
    const mail = {
      host: 'smtp.example.cn',
      port: 465,
      tls: 'implicit',
      user: 'central',
      passwordFile: 'mail.secret',
      from: 'central@example.cn',
      to: ['duty@example.cn'],
    };
    const good = load(
      { publicOrigin: 'https://central.example.cn' },
      { mail, webhook: { url: 'https://duty.example.cn/x', secretFile: 'webhook.secret' } },
    );
    expect(good.problems).toEqual([]);
    expect(good.loaded).toMatchObject({
      staff: { publicOrigin: 'https://central.example.cn' },
      alarms: { mailPassword: 's3cret', webhookSecret: 's3cret' },
    });
    expect(load(undefined, undefined)).toEqual({ loaded: {}, problems: [] });
    const bad = load(
      { publicOrigin: 'http://central.example.cn' },
      { mail, webhook: { url: 'http://duty.example.cn/x', secretFile: 'webhook.secret' } },
      err('/etc/x is readable by others; chmod 600 it'),
    );
    expect(bad.problems).toEqual([
      expect.stringContaining('staff.publicOrigin: staff log in over https'),
      expect.stringContaining('alarms.webhook.url: https is needed'),
      'alarms.mail.passwordFile: /etc/x is readable by others; chmod 600 it',
      'alarms.webhook.secretFile: /etc/x is readable by others; chmod 600 it',
    ]);
    // A certificate is nobody's secret: whoever may read it, it has to be one.
    const authority = path.join(mkdtempSync(path.join(tmpdir(), 'pilotlight-ca-')), 'ca.pem');
    const watch = { mail: { ...mail, caFile: authority } };
    writeFileSync(authority, authorityOf('mail').certPem, { mode: 0o644 });
    const certified = load(undefined, watch);
    expect(certified.problems).toEqual([]);
    expect(certified.loaded.alarms?.mailCaPem).toContain('BEGIN CERTIFICATE');
    writeFileSync(authority, 'not one');
    expect(load(undefined, watch).problems).toEqual([
      expect.stringMatching(/^alarms\.mail\.caFile: .*ca\.pem is no certificate \(PEM\)/),
    ]);
    rmSync(path.dirname(authority), { recursive: true });
  });
});
