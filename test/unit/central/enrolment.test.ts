import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBillingClient } from '../../../src/billing/client.ts';
import type { BillingClient } from '../../../src/billing/types.ts';
import { changeKey } from '../../../src/central/fleet/keys.ts';
import { enrol } from '../../../src/main/cli/enrol.ts';
import { pendingFile, writeWhole } from '../../../src/main/cli/enrol-files.ts';
import { runCli } from '../../../src/main/cli/run.ts';
import { systemClock } from '../../support/clock.ts';
import type { EnrolAsked } from '../../../src/main/cli/enrol.ts';
import {
  enrolText,
  fingerprintOf,
  keysOfCode,
  makeCode,
  readCode,
} from '../../../src/shared/enrolment.ts';
import type { HttpAnswer, HttpRequest, HttpSend } from '../../../src/shared/http.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { ed25519Signer, ed25519Verifier } from '../../../src/shared/signing.ts';
import { edKeys, ENGINES } from './harness.ts';
import { codeIn, Company } from './fleet-room.ts';

const ID = '000000000321';
const ADD = ['terminal', 'add', '--id', ID, '--site', '城东', '--name', '1号机'] as const;
const EXAMPLE = join(import.meta.dirname, '../../../resources/terminal.example.json');
const random = { bytes: (n: number) => new Uint8Array(randomBytes(n)) };

let company: Company;
/** Folders of machines. */
let folders: string[] = [];
const machine = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-enrol-'));
  folders.push(folder);
  return folder;
};
const clock = () => ({
  nowMs: () => company.now,
  monoMs: () => company.now,
  after: () => () => undefined,
});
/** As typed on a machine. */
const enrolOn = (
  folder: string,
  code: string,
  over: Partial<EnrolAsked> & { readonly send?: HttpSend } = {},
) =>
  enrol(
    {
      central: 'http://127.0.0.1:1',
      code,
      config: join(folder, 'terminal.json'),
      from: EXAMPLE,
      replace: false,
      rotate: false,
      ...over,
    },
    { clock: clock(), random, send: over.send ?? company.send() },
  );
const waiting = (folder: string, code: string): string =>
  pendingFile(join(folder, 'keys'), keysOfCode(readCode(code) ?? '').handle);
interface Written {
  readonly terminalId: string;
  readonly site: unknown;
  readonly central: Readonly<Record<string, string>>;
  readonly readers: unknown;
}
const written = (folder: string): Written =>
  JSON.parse(readFileSync(join(folder, 'terminal.json'), 'utf8')) as Written;
/** A kiosk by what stands in its terminal.json. */
function kiosk(folder: string, send: HttpSend = company.send()): BillingClient {
  const { terminalId, central } = written(folder);
  const key = (name: string): string => readFileSync(join(folder, central[name] ?? ''), 'utf8');
  return createBillingClient({
    baseUrl: central['baseUrl'] ?? '',
    terminalId,
    signer: ed25519Signer(key('keyFile')),
    policyKeys: new Keyring(ed25519Verifier(key('policyKeyFile'))),
    answerKeys: new Keyring(ed25519Verifier(key('answerKeyFile'))),
    clock: clock(),
    random,
    timeoutMs: 1_000,
    send,
  });
}
const fingerprintIn = (lines: readonly string[]): string =>
  /machine\s+([\d ]+)$/m.exec(lines.join('\n'))?.[1] ?? '';
const outcome = async (client: BillingClient): Promise<string> => {
  const answer = await client.policy();
  return answer.ok ? 'ok' : (answer.error.detail ?? answer.error.code);
};

describe.each(ENGINES)('a machine is let in by a code, on %s', (engine) => {
  beforeEach(async () => {
    folders = [];
    company = await Company.open(engine);
  }, 60_000);
  afterEach(async () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    await company.close();
  });

  it('once a person has compared the fingerprint; its key never left, all else is kept', async () => {
    const folder = machine();
    const added = await company.run(ADD);
    expect(added).toMatchObject({ code: 0 });
    expect((await company.run('terminal list')).out).toMatch(
      /000000000321 +城东 +1号机 +enrolling/,
    );
    const sent: string[] = [];
    const spy: HttpSend = (request) => {
      sent.push(Buffer.from(request.body ?? []).toString('utf8'));
      return company.send()(request);
    };
    const done = await enrolOn(folder, codeIn(added).toLowerCase().replaceAll('-', ' '), {
      send: spy,
    });
    expect(done.ok, done.lines.join('\n')).toBe(true);
    // Both sides show central's digits.
    const central = /central\s+([\d ]+?) {3}/.exec(added.out)?.[1] ?? '?';
    expect(done.lines.join('\n')).toContain(central);
    const w = written(folder);
    expect(w).toMatchObject({
      terminalId: ID,
      site: { name: { zh: '城东' }, terminalName: { zh: '1号机' } },
    });
    expect(w.readers).toEqual((JSON.parse(readFileSync(EXAMPLE, 'utf8')) as Written).readers);
    const keyFile = join(folder, w.central['keyFile'] ?? '');
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'keys')).filter((f) => f.startsWith('enrolling'))).toEqual([]);
    const secret = readFileSync(keyFile, 'utf8').split('\n')[1] as string;
    expect(sent.join()).not.toContain(secret);
    expect(sent.join()).not.toContain(readCode(codeIn(added)) as string);
    const kept = JSON.stringify(await company.db.query('SELECT * FROM enrolments'));
    expect(kept).not.toContain(readCode(codeIn(added)) as string);
    // Nothing counts yet.
    expect(await outcome(kiosk(folder))).toContain('not registered');
    expect((await company.run('terminal list')).out).toMatch(/waiting/);
    // Central does not tell what is to be read off the machine.
    expect((await company.run(`terminal show ${ID}`)).out).not.toContain(fingerprintIn(done.lines));
    expect(await company.run(`terminal confirm ${ID} 1234 5678 9012 3456 7890`)).toMatchObject({
      code: 1,
    });
    expect(await outcome(kiosk(folder))).toContain('not registered');
    const told = await company.run(`terminal confirm ${ID} ${fingerprintIn(done.lines)}`);
    expect(told, told.err).toMatchObject({ code: 0 });
    expect(await outcome(kiosk(folder))).toBe('ok');
    expect(
      (await company.db.query<{ act: string }>('SELECT act FROM audit ORDER BY n')).map(
        (r) => r.act,
      ),
    ).toEqual(['terminal.add', 'terminal.enrol', 'terminal.confirm']);
  });

  it('cut at any point it is done by doing it again, and never with two keys', async () => {
    const folder = machine();
    const code = codeIn(await company.run([...ADD, '--auto']));
    const cut: HttpSend = async (request) => {
      await company.send()(request);
      throw new Error('cut');
    };
    expect(await enrolOn(folder, code, { send: cut })).toMatchObject({ ok: false });
    expect(existsSync(join(folder, 'terminal.json'))).toBe(false);
    expect((await enrolOn(folder, code)).ok).toBe(true);
    const first = written(folder);
    // Cut behind the rename: the waiting key is the one that is there.
    writeFileSync(
      waiting(folder, code),
      readFileSync(join(folder, first.central['keyFile'] ?? '')),
    );
    expect((await enrolOn(folder, code)).ok).toBe(true);
    expect(written(folder)).toEqual(first);
    expect(await outcome(kiosk(folder))).toBe('ok');
  });

  it('refuses to overwrite an identity, a bad code, an open line and what is no configuration', async () => {
    const folder = machine();
    const code = codeIn(await company.run([...ADD, '--auto']));
    for (const [over, why] of [
      [{ central: 'http://central.example.com' }, 'https is needed'],
      [{ central: 'nonsense' }, 'no address'],
      [{ from: null }, 'there is no'],
      [{ rotate: true }, 'no key that is here'],
    ] as const)
      expect((await enrolOn(folder, code, over)).lines[0]).toContain(why);
    expect((await enrolOn(folder, 'ABCD')).lines[0]).toContain('16 characters');
    expect((await enrolOn(folder, code)).ok).toBe(true);
    const again = await enrolOn(folder, code);
    expect(again.lines[0]).toContain('has an identity');
    const other = codeIn(
      await company.run('terminal add --id 000000000322 --site A --name B --auto'),
    );
    expect((await enrolOn(folder, other, { replace: true })).ok).toBe(true);
    expect(written(folder).terminalId).toBe('000000000322');
    expect(await outcome(kiosk(folder))).toBe('ok');
  });

  it('one code lets one machine in, whichever of two at once was first', async () => {
    const code = codeIn(await company.run([...ADD, '--auto']));
    const second = await company.process();
    const all = await Promise.all([
      enrolOn(machine(), code),
      enrolOn(machine(), code, { send: company.send(second) }),
    ]);
    expect(all.filter((a) => a.ok)).toHaveLength(1);
    expect(all.find((a) => !a.ok)?.lines[0]).toContain('used with another key');
    expect(await company.db.query('SELECT terminal_id FROM terminals')).toHaveLength(1);
  });

  it('two machines of one disk’s copy have one key: one of them is let in, whoever confirms first', async () => {
    const other = '000000000322';
    const codes = [
      codeIn(await company.run(ADD)),
      codeIn(await company.run(`terminal add --id ${other} --site A --name B`)),
    ];
    const folder = machine();
    // Each copy waits with the key that was made before the disk was copied.
    const silent: HttpSend = () => Promise.reject(new Error('cut'));
    await enrolOn(folder, codes[0] as string, { send: silent });
    const copy = machine();
    cpSync(folder, copy, { recursive: true });
    renameSync(waiting(copy, codes[0] as string), waiting(copy, codes[1] as string));
    const [one, two] = [
      await enrolOn(folder, codes[0] as string),
      await enrolOn(copy, codes[1] as string),
    ];
    expect([one.ok, two.ok]).toEqual([true, true]);
    expect(fingerprintIn(one.lines)).toBe(fingerprintIn(two.lines));
    const told = await Promise.all([
      company.run(`terminal confirm ${ID} ${fingerprintIn(one.lines)}`),
      company.run(`terminal confirm ${other} ${fingerprintIn(two.lines)}`),
    ]);
    expect(told.map(({ code }) => code).toSorted((a, b) => a - b)).toEqual([0, 1]);
    expect(told.find(({ code }) => code === 1)?.err).toContain('another terminal has this key');
    expect(await company.db.query('SELECT terminal_id FROM terminals')).toHaveLength(1);
  });

  it('a key that another terminal has, or had, is no terminal’s next one', async () => {
    const [one, two] = [machine(), machine()];
    await enrolOn(one, codeIn(await company.run([...ADD, '--auto'])));
    const other = '000000000322';
    await enrolOn(
      two,
      codeIn(await company.run(`terminal add --id ${other} --site A --name B --auto`)),
    );
    const [row] = await company.db.query<{ public_key: string }>(
      'SELECT public_key FROM terminals WHERE terminal_id = $1',
      [ID],
    );
    const change = (nextKey: string) =>
      changeKey(
        company.db,
        { terminalId: other, nextKey, overlapMs: 0, who: '甲', why: '误' },
        company.now,
      );
    expect(await change(row?.public_key ?? '')).toBe(false);
    await company.db.query(
      'INSERT INTO earlier_keys (terminal_id, public_key, until_ms) VALUES ($1, $2, $3)',
      [ID, 'a-key-of-before', company.now],
    );
    expect(await change('a-key-of-before')).toBe(false);
    expect(await change('a key of its own')).toBe(true);
  });

  it('a code that was made anew, is over, or whose terminal was given up opens nothing', async () => {
    const old = codeIn(await company.run(ADD));
    const code = codeIn(await company.run([...ADD, '--valid-hours', '1']));
    expect((await enrolOn(machine(), old)).lines[0]).toContain('no such code');
    company.now += 3_600_000;
    expect((await enrolOn(machine(), code)).lines[0]).toContain('is over');
    const next = codeIn(await company.run(ADD));
    await company.run(['terminal', 'revoke', ID, '--why', 'not bought']);
    expect((await enrolOn(machine(), next)).lines[0]).toContain('no such code');
    expect((await company.run(`terminal show ${ID}`)).code).toBe(1);
  });

  it('whoever stands between changes nothing, and is believed nothing', async () => {
    const code = codeIn(await company.run([...ADD, '--auto']));
    const theirs = edKeys();
    /** Puts his own key into the request; he has no code to sign it with. */
    const swaps =
      (over: (body: Record<string, string>) => Record<string, string>): HttpSend =>
      (request: HttpRequest) => {
        const body = JSON.parse(Buffer.from(request.body ?? []).toString('utf8')) as Record<
          string,
          string
        >;
        return company.send()({ ...request, body: Buffer.from(JSON.stringify(over(body))) });
      };
    const keySwapped = swaps((body) => ({ ...body, publicKeyPem: theirs.publicKeyPem }));
    expect((await enrolOn(machine(), code, { send: keySwapped })).lines[0]).toMatch(
      /refuses \(401\)/,
    );
    const signedAnew = swaps((body) => {
      const publicKeyPem = theirs.publicKeyPem;
      const text = enrolText({
        handle: body['handle'] ?? '',
        nonce: body['nonce'] ?? '',
        publicKeyPem,
      });
      const { sign } = ed25519Signer(theirs.privateKeyPem);
      const keySignature = Buffer.from(sign(Buffer.from(text))).toString('base64');
      return { ...body, publicKeyPem, keySignature };
    });
    expect((await enrolOn(machine(), code, { send: signedAnew })).lines[0]).toMatch(/no such code/);
    /** Gives the machine other keys of central's than central did. */
    const answers =
      (over: (text: string) => string): HttpSend =>
      async (request) => {
        const answer = await company.send()(request);
        const text = Buffer.from(answer.body ?? []).toString('utf8');
        return { ...answer, body: Buffer.from(over(text)) };
      };
    const folder = machine();
    const esc = (pem: string): string => JSON.stringify(JSON.stringify(pem)).slice(3, -3);
    const lying = answers((text) =>
      text.replace(esc(company.keys.answers.publicKeyPem), esc(theirs.publicKeyPem)),
    );
    const told = await enrolOn(folder, code, { send: lying });
    expect(told.lines[0]).toContain('does not know the code');
    expect(existsSync(join(folder, 'terminal.json'))).toBe(false);
    // An answer that was kept answers no other request, not even the same machine's.
    let kept: HttpAnswer | null = null;
    const keeping: HttpSend = async (request) => {
      kept = await company.send()(request);
      throw new Error('cut');
    };
    await enrolOn(folder, code, { send: keeping });
    const replays: HttpSend = () => Promise.resolve(kept as unknown as HttpAnswer);
    expect((await enrolOn(folder, code, { send: replays })).lines[0]).toContain('does not know');
    expect((await enrolOn(folder, code)).ok).toBe(true);
  });

  it('guesses are counted in all processes together, and a known code dies of wrong proofs', async () => {
    const second = await company.process();
    const guess = (i: number) =>
      enrolOn(machine(), makeCode(random), {
        send: company.send(i % 2 === 0 ? company.central : second),
      });
    for (let i = 0; i < 10; i++) expect((await guess(i)).lines[0]).toContain('no such code');
    expect((await guess(10)).lines[0]).toContain('too many wrong codes');
    company.now += 60_000;
    expect((await guess(11)).lines[0]).toContain('no such code');
    const code = codeIn(await company.run(ADD));
    const { handle } = keysOfCode(readCode(code) as string);
    const other = keysOfCode(readCode(makeCode(random)) as string);
    const guessing: HttpSend = (request) => {
      const body = JSON.parse(Buffer.from(request.body ?? []).toString('utf8')) as Record<
        string,
        string
      >;
      const text = enrolText({
        handle,
        publicKeyPem: body['publicKeyPem'] ?? '',
        nonce: body['nonce'] ?? '',
      });
      const mine = edKeys();
      const by = (signer: ReturnType<typeof ed25519Signer>): string =>
        Buffer.from(
          signer.sign(
            Buffer.from(
              text.replace(/\n[0-9a-f]{64}\n/, `\n${digestOf(mine.publicKeyPem, handle)}\n`),
            ),
          ),
        ).toString('base64');
      return company.send()({
        ...request,
        body: Buffer.from(
          JSON.stringify({
            ...body,
            handle,
            publicKeyPem: mine.publicKeyPem,
            keySignature: by(ed25519Signer(mine.privateKeyPem)),
            codeSignature: by(ed25519Signer(other.privateKey)),
          }),
        ),
      });
    };
    for (let i = 0; i < 5; i++)
      expect((await enrolOn(machine(), code, { send: guessing })).lines[0]).toContain(
        'no such code',
      );
    expect((await enrolOn(machine(), code)).lines[0]).toContain('no such code');
  });

  it('a certificate that nobody here trusts: what to do is said', async () => {
    const code = codeIn(await company.run(ADD));
    const folder = machine();
    const send: HttpSend = () => {
      const cause = Object.assign(new Error('unable to verify the first certificate'), {
        code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      });
      return Promise.reject(new TypeError('fetch failed', { cause }));
    };
    const done = await enrolOn(folder, code, { send });
    expect(done.ok).toBe(false);
    expect(done.lines[0]).toMatch(/central\.caFile.*the same command again/);
    expect((await enrolOn(folder, code)).ok).toBe(true);
  });

  it('staff see where it stands and what it is called, on each of their pages of it', async () => {
    await enrolOn(machine(), codeIn(await company.run([...ADD, '--auto'])));
    for (const target of [
      '/console/terminals',
      `/console/terminal?terminal=${ID}`,
      '/console/overview',
    ]) {
      const answer = await company.central.staff({
        method: 'GET',
        target,
        headers: { accept: 'text/html' },
        body: new Uint8Array(),
      });
      expect([target, answer.status]).toEqual([target, 200]);
      for (const words of ['城东', '1号机']) expect(answer.body).toContain(words);
    }
  });

  it('its next key comes under the old one; both count through the overlap, then the next alone', async () => {
    const folder = machine();
    await enrolOn(folder, codeIn(await company.run([...ADD, '--auto'])));
    const before = kiosk(folder);
    const rotated = await company.run(`terminal rotate ${ID} --overlap-hours 2`);
    // Another machine with this code has no old key to speak for it.
    const done = await enrolOn(folder, codeIn(rotated), { rotate: true, from: null });
    expect(done.lines.join('\n')).toContain('the key counts');
    const after = kiosk(folder);
    expect([await outcome(before), await outcome(after)]).toEqual(['ok', 'ok']);
    company.now += 2 * 3_600_000;
    expect(await outcome(before)).toContain('does not match');
    expect(await outcome(after)).toBe('ok');
    expect((await company.run(`terminal show ${ID}`)).out.match(/^key /gm)).toHaveLength(1);
  });

  it('the next key of a machine that lost its old one waits for a person; another’s code does nothing', async () => {
    const folder = machine();
    await enrolOn(folder, codeIn(await company.run([...ADD, '--auto'])));
    const before = kiosk(folder);
    const code = codeIn(await company.run(`terminal rotate ${ID} --overlap-hours 0`));
    const anew = machine();
    const done = await enrolOn(anew, code);
    expect(done.lines.join('\n')).toContain('terminal confirm');
    expect(await outcome(kiosk(anew))).toContain('does not match');
    expect(await outcome(before)).toBe('ok');
    await company.run(`terminal confirm ${ID} ${fingerprintIn(done.lines)}`);
    expect(await outcome(kiosk(anew))).toBe('ok');
    expect(await outcome(before)).toContain('does not match');
    const other = codeIn(
      await company.run('terminal add --id 000000000322 --site A --name B --auto'),
    );
    const refused = await enrolOn(anew, other, { rotate: true });
    expect(refused.lines[0]).toContain('000000000322');
    expect(written(anew).terminalId).toBe(ID);
    // What was brought under that code is another terminal's key: this one's own code has its own.
    const own = codeIn(await company.run(`terminal rotate ${ID}`));
    const mine = await enrolOn(anew, own, { rotate: true });
    expect(mine.lines.join('\n')).toContain('the key counts');
    expect(await outcome(kiosk(anew))).toBe('ok');
  });

  it('is suspended, resumed, renamed, moved; revoked it is refused at once in every process', async () => {
    const folder = machine();
    await enrolOn(folder, codeIn(await company.run([...ADD, '--auto'])));
    const second = await company.process();
    const [here, there] = [kiosk(folder), kiosk(folder, company.send(second))];
    expect([await outcome(here), await outcome(there)]).toEqual(['ok', 'ok']);
    expect((await company.run(['terminal', 'rename', ID, '--name', '2号机'])).code).toBe(0);
    expect((await company.run(['terminal', 'move', ID, '--site', '城西'])).code).toBe(0);
    expect((await company.run('terminal list')).out).toMatch(/城西 +2号机 +active/);
    expect((await company.run(`terminal suspend ${ID} --why flood`)).code).toBe(0);
    expect((await company.run(`terminal suspend ${ID} --why flood`)).err).toContain('already');
    expect((await company.run(`terminal resume ${ID} --why dry`)).code).toBe(0);
    expect((await company.run(`terminal revoke ${ID}`)).code).toBe(2);
    const code = codeIn(await company.run(`terminal rotate ${ID}`));
    expect((await company.run(`terminal revoke ${ID} --why stolen`)).code).toBe(0);
    expect([await outcome(here), await outcome(there)]).toEqual([
      `revoked: terminal ${ID} was revoked`,
      `revoked: terminal ${ID} was revoked`,
    ]);
    expect((await enrolOn(folder, code, { rotate: true })).ok).toBe(false);
    for (const verb of ['resume', 'suspend'])
      expect((await company.run(`terminal ${verb} ${ID} --why x`)).err).toContain('for good');
    expect((await company.run(`terminal rotate ${ID}`)).err).toContain('revoked');
    expect((await company.run(ADD)).err).toContain('is there');
    const audit = await company.db.query<{ act: string; before: string; after: string }>(
      `SELECT act, before, after FROM audit WHERE act IN ('terminal.move', 'terminal.revoke')
       ORDER BY n`,
    );
    expect(audit.map((r) => ({ ...r }))).toEqual([
      { act: 'terminal.move', before: '{"site":"城东"}', after: '{"site":"城西"}' },
      {
        act: 'terminal.revoke',
        before: '{"status":"active"}',
        after: '{"status":"revoked","why":"stolen"}',
      },
    ]);
  });
});

/** The digest that {@link enrolText} has of a key. */
function digestOf(pem: string, handle: string): string {
  return enrolText({ handle, publicKeyPem: pem, nonce: '' }).split('\n')[2] as string;
}

describe('the command, over HTTP', () => {
  it('takes the code from the standard input, and says how it is used', async () => {
    company = await Company.open('sqlite');
    folders = [];
    try {
      const said: string[] = [];
      const doors = await company.central.start();
      const code = codeIn(await company.run([...ADD, '--auto']));
      const folder = machine();
      const run = (...args: readonly string[]) =>
        runCli(['enrol', ...args], {
          cwd: folder,
          out: (line: string) => void said.push(line),
          err: (line: string) => void said.push(line),
          clock: systemClock,
          random,
          pcsc: () => Promise.reject(new Error('no reader here')),
          readers: () => Promise.reject(new Error('no reader here')),
          input: () => Promise.resolve(`${code}\n`),
        } as unknown as Parameters<typeof runCli>[1]);
      expect(await run()).toBe(2);
      const to = ['--central', doors.terminals.baseUrl, '--code', '-'] as const;
      expect(await run(...to, '--rotate', '--replace')).toBe(2);
      expect(await run(...to)).toBe(1);
      expect(said.at(-1)).toContain('--from');
      expect(await run(...to, '--from', EXAMPLE), said.join('\n')).toBe(0);
      expect(written(folder)).toMatchObject({
        terminalId: ID,
        central: { baseUrl: doors.terminals.baseUrl },
      });
      // No door of customers' phones lets a machine in.
      const pages = await fetch(`${doors.pages.baseUrl}/v1/enrol`, { method: 'POST', body: '{}' });
      expect(pages.status).toBe(404);
    } finally {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
      await company.close();
    }
  });
});

describe('codes and fingerprints', () => {
  it('are read as people type them', () => {
    expect(readCode(' 7k3m-q0xz 9999-abcd ')).toBe('7K3MQ0XZ9999ABCD');
    expect(readCode('7k3m-qoxz-9999-iLcd')).toBe('7K3MQ0XZ999911CD');
    expect(readCode('７Ｋ３Ｍ－Ｑ０ＸＺ－９９９９－ＡＢＣＤ')).toBe('7K3MQ0XZ9999ABCD');
    for (const bad of ['', '7K3M-Q0XZ-9999', '7K3M-Q0XZ-9999-ABCU', '7K3M-Q0XZ-9999-ABCD-1'])
      expect(readCode(bad)).toBeNull();
    const codes = new Set(Array.from({ length: 100 }, () => makeCode(random)));
    expect(codes.size).toBe(100);
    const print = fingerprintOf(edKeys().publicKeyPem);
    expect(print).toMatch(/^\d{4}( \d{4}){4}$/);
  });
});

describe('a machine’s files', () => {
  it('are written over no file that a link of the folder’s owner names', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-enrol-'));
    try {
      const victim = join(folder, 'of-root');
      writeFileSync(victim, 'mine', { mode: 0o640 });
      const file = join(folder, 'key.pem');
      symlinkSync(victim, `${file}.new`);
      writeWhole(file, 'the key', 0o600, folder);
      expect(readFileSync(victim, 'utf8')).toBe('mine');
      expect(statSync(victim).mode & 0o777).toBe(0o640);
      expect(readFileSync(file, 'utf8')).toBe('the key');
      expect(lstatSync(file).isSymbolicLink()).toBe(false);
      expect(statSync(file).mode & 0o777).toBe(0o600);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
