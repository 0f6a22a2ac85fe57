import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileSync } from 'node:fs';
import { MAINTENANCE_ROLES } from '../../shared/contract/maintenance.ts';
import { describeFailure, failure } from '../../shared/errors.ts';
import type { Clock, Random } from '../../shared/ports.ts';
import { chinaDayMs } from '../../shared/time.ts';
import { sealCardKeys } from '../core/card-keys.ts';
import { become, becomeOwner } from './become.ts';
import { doctor, doctorText } from './doctor.ts';
import type { DoctorOptions } from './doctor.ts';
import { enrol } from './enrol.ts';
import { exportKey, openExport, writeExport } from './export.ts';
import { systemInstallation } from './installation.ts';
import type { InstallationPorts } from './installation.ts';
import {
  backupAt,
  configuredPlace,
  journalPlace,
  ordersText,
  readOrders,
  restoreAt,
  restoreText,
  verifyAt,
  verifyText,
} from './journal.ts';
import { makePin, systemSecret } from './pin.ts';
import type { Secret } from './pin.ts';
import { reconcileAt, reconcileCode, reconcileText } from './reconcile.ts';

export const USAGE = `usage: pilotlight doctor [--config FILE] [--as USER] [--lang zh|en] [--json]
       pilotlight journal verify [--config FILE | --data DIR] [--second DIR] [--json]
       pilotlight journal orders [--config FILE | --data DIR] [--json]
       pilotlight journal backup [--config FILE | --data DIR] [--json]
       pilotlight journal restore [--config FILE | --data DIR] [--second DIR] [--yes] [--json]
       pilotlight reconcile --date YYYY-MM-DD [--config FILE] [--json]
       pilotlight pin --name NAME [--role ROLE]
       pilotlight export write [--config FILE] [--log -] [--json]
       pilotlight export open FILE --terminal FILE [--key FILE] --out DIR
       pilotlight export key --out FILE
       pilotlight enrol --central URL --code CODE [--config FILE] [--from FILE] [--rotate | --replace]
       pilotlight keys seal --in FILE --out FILE --secret FILE
  --config FILE  a terminal.json (default: the demo's, .pilotlight/demo/terminal.json)
  --data DIR     a journal's folder, or the folder of a terminal.json (default: .pilotlight/demo)
  --second DIR   the folder of the second log, where no terminal.json names it
  --date DATE    the day in China that is compared: the providers' bills, the journal, central's ledger; nothing is written
  --yes          restore now; without it the command only shows what a restore would give (exit code 1: there is damage)
  --name NAME    who the PIN is for; it is asked for twice, or read from a pipe, and the line for maintenance.users is printed
  --role ROLE    staff, technician or auditor
  --terminal FILE  the terminal's public key (PEM), as it is registered at central
  --key FILE     the company's age identity, as \`export key\` made it
  --log -        the log's last lines come on the standard input
  --central URL  central’s address, https; --code CODE as central terminal add printed it, - for the standard input
  --from FILE    what a terminal.json is made from where there is none (default here: ./terminal.json)
  --rotate       the machine’s next key, under its old one; --replace: another identity in place of the one it has
  --in FILE      the master keys, {"psc", "auth", "mac"}, 32 hex digits each, readable by you only
  --out FILE     the sealed file for keys.file of terminal.json: it opens where this machine's id and the secret are
  --secret FILE  the machine's secret for keys.secretFile; made where there is none
  --as USER      look as this user would (as root only): pilotlight, on a kiosk
  --lang zh|en   the language of the report; left out: by LC_ALL, LC_MESSAGES or LANG
  --json         one JSON document instead of text
exit code: 0 well, 1 something failed (reconcile: a person must look), 2 wrong usage, 3 reconcile: not possible now, run it again later`;

export interface CliPorts {
  /** Relative paths start here. */
  readonly cwd: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly pcsc: DoctorOptions['pcsc'];
  readonly readers: DoctorOptions['readers'];
  /** Left out: this machine. */
  readonly installation?: InstallationPorts;
  /** Left out: this machine's. */
  readonly owners?: NonNullable<DoctorOptions['owners']>;
  /** As {@link become}; left out: this process. */
  readonly become?: (user: string) => string | null;
  /** As {@link becomeOwner}; left out: this process. */
  readonly becomeOwner?: (folder: string) => void;
  /** Lets everybody else on this machine go first; left out: nobody is. */
  readonly giveWay?: () => void;
  /** The system's language; left out: English. */
  readonly locale?: 'zh' | 'en';
  /** The standard input, whole; left out: this process's. */
  readonly input?: () => Promise<string>;
  /** Where a PIN comes from; left out: this process's terminal or input. */
  readonly secret?: { readonly secret: Secret; readonly typed: boolean };
}

async function systemInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const DEFAULT_DATA = join('.pilotlight', 'demo');
const OPTIONS = {
  config: { type: 'string' },
  data: { type: 'string' },
  date: { type: 'string' },
  second: { type: 'string' },
  name: { type: 'string' },
  in: { type: 'string' },
  out: { type: 'string' },
  secret: { type: 'string' },
  role: { type: 'string' },
  terminal: { type: 'string' },
  key: { type: 'string' },
  log: { type: 'string' },
  yes: { type: 'boolean' },
  json: { type: 'boolean' },
  lang: { type: 'string' },
  as: { type: 'string' },
  central: { type: 'string' },
  code: { type: 'string' },
  from: { type: 'string' },
  rotate: { type: 'boolean' },
  replace: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;
type Option = keyof typeof OPTIONS;
/** What each command takes. */
const COMMANDS: Readonly<Record<string, readonly Option[]>> = {
  doctor: ['config', 'json', 'lang', 'as'],
  reconcile: ['config', 'date', 'json'],
  pin: ['name', 'role'],
  'export write': ['config', 'log', 'json'],
  'export open': ['terminal', 'key', 'out'],
  'export key': ['out'],
  'keys seal': ['in', 'out', 'secret'],
  enrol: ['central', 'code', 'config', 'from', 'rotate', 'replace'],
  'journal verify': ['config', 'data', 'second', 'json'],
  'journal orders': ['config', 'data', 'json'],
  'journal backup': ['config', 'data', 'json'],
  'journal restore': ['config', 'data', 'second', 'yes', 'json'],
};

/** Runs one command and returns the exit code: 0 well, 1 failed, 2 wrong usage, 3 not possible now. */
export async function runCli(args: readonly string[], ports: CliPorts): Promise<0 | 1 | 2 | 3> {
  const usage = (why: string): 2 => {
    ports.err(`pilotlight: ${why}\n${USAGE}`);
    return 2;
  };
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    return usage(cause instanceof Error ? cause.message : String(cause));
  }
  const { values, positionals } = parsed;
  if (values.help === true) {
    ports.out(USAGE);
    return 0;
  }
  // The one command that names a file by itself.
  const file = positionals[0] === 'export' ? positionals[2] : undefined;
  const command = positionals.slice(0, file === undefined ? undefined : 2).join(' ');
  if (file !== undefined && command !== 'export open') return usage(`${command} takes no ${file}`);
  const allowed = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (allowed === undefined)
    return usage(command === '' ? 'which command?' : `no such command: ${command}`);
  const foreign = (Object.keys(values) as Option[]).find((name) => !allowed.includes(name));
  if (foreign !== undefined) return usage(`${command} takes no --${foreign}`);
  const json = values.json === true;
  const at = (path: string): string => resolve(ports.cwd, path);

  if (command === 'pin') {
    const name = values.name?.trim() ?? '';
    if (name === '' || name.length > 20)
      return usage('pin needs --name NAME, at most 20 characters');
    const { secret, typed } = ports.secret ?? systemSecret();
    const role = MAINTENANCE_ROLES.find((one) => one === values.role);
    if (values.role !== undefined && role === undefined)
      return usage(`--role is one of ${MAINTENANCE_ROLES.join(', ')}`);
    const made = await makePin(name, secret, typed, ports.random);
    if (!made.ok) {
      ports.err(`pilotlight: ${made.error}`);
      return 1;
    }
    ports.out(JSON.stringify(role === undefined ? made.value : { ...made.value, role }));
    return 0;
  }
  if (command === 'enrol') {
    const { central, code, config, from, rotate = false, replace = false } = values;
    if (central === undefined || code === undefined || (rotate && replace))
      return usage(
        'enrol needs --central URL and --code CODE, and not both --rotate and --replace',
      );
    const done = await enrol(
      {
        central,
        code: code === '-' ? await (ports.input ?? systemInput)() : code,
        config: at(config ?? 'terminal.json'),
        from: from === undefined ? null : at(from),
        rotate,
        replace,
      },
      ports,
    );
    for (const line of done.lines)
      (done.ok ? ports.out : ports.err)(`${done.ok ? '' : 'pilotlight: '}${line}`);
    return done.ok ? 0 : 1;
  }
  if (command === 'keys seal') {
    const { in: from, out: to, secret } = values;
    if (from === undefined || to === undefined || secret === undefined)
      return usage('keys seal needs --in FILE --out FILE --secret FILE');
    const sealed = sealCardKeys({ from: at(from), to: at(to), secret: at(secret) }, ports.random);
    if (!sealed.ok) {
      ports.err(`pilotlight: ${describeFailure(sealed.error)}`);
      return 1;
    }
    ports.out(
      `${sealed.value.madeSecret ? `the machine's secret was made: ${secret}\n` : ''}sealed for this machine: ${to}\nnow destroy ${from}`,
    );
    return 0;
  }
  if (command === 'export write') {
    const written = await writeExport(at(values.config ?? join(DEFAULT_DATA, 'terminal.json')), {
      log: values.log === '-' ? await (ports.input ?? systemInput)() : '',
      nowMs: ports.clock.nowMs(),
      program: 'pilotlight export',
    });
    if (!written.ok) {
      const { code, detail } = written.error;
      if (json) ports.out(JSON.stringify({ ok: false, code, detail }));
      ports.err(`pilotlight: ${describeFailure(written.error)}`);
      return 1;
    }
    const { folder, name, bytes } = written.value;
    ports.out(
      json
        ? JSON.stringify({ ok: true, ...written.value })
        : `${join(folder, name)}, ${bytes} bytes`,
    );
    return 0;
  }
  if (command === 'export open') {
    const { terminal, key, out } = values;
    if (file === undefined || terminal === undefined || out === undefined)
      return usage('export open needs FILE --terminal FILE --out DIR');
    const opened = await openExport({
      file: at(file),
      keyFile: key === undefined ? null : at(key),
      terminalKeyFile: at(terminal),
      out: at(out),
    });
    if (!opened.ok) {
      ports.err(`pilotlight: ${opened.error}`);
      return 1;
    }
    const { terminalId, made, files } = opened.value.manifest;
    ports.out(
      `terminal ${terminalId}, made ${made}: signature and files are right\n${files.map((f) => `  ${f.name}, ${f.bytes} bytes`).join('\n')}`,
    );
    return 0;
  }
  if (command === 'export key') {
    if (values.out === undefined) return usage('export key needs --out FILE');
    const { identity, recipient } = await exportKey();
    try {
      writeFileSync(at(values.out), `# public key: ${recipient}\n${identity}\n`, {
        mode: 0o600,
        flag: 'wx',
      });
    } catch (cause) {
      ports.err(`pilotlight: ${cause instanceof Error ? cause.message : String(cause)}`);
      return 1;
    }
    ports.out(recipient);
    return 0;
  }
  if (command === 'doctor') {
    const { lang } = values;
    if (lang !== undefined && lang !== 'zh' && lang !== 'en') return usage('--lang is zh or en');
    if (values.as !== undefined) {
      const refused = (ports.become ?? become)(values.as);
      if (refused !== null) {
        ports.err(`pilotlight: ${refused}`);
        return 2;
      }
    }
    const report = await doctor({
      configFile: at(values.config ?? join(DEFAULT_DATA, 'terminal.json')),
      clock: ports.clock,
      random: ports.random,
      pcsc: ports.pcsc,
      readers: ports.readers,
      installation: ports.installation ?? systemInstallation,
      ...(ports.owners === undefined ? {} : { owners: ports.owners }),
    });
    ports.out(
      json ? JSON.stringify(report, null, 2) : doctorText(report, lang ?? ports.locale ?? 'en'),
    );
    return report.ok ? 0 : 1;
  }
  if (command === 'reconcile') {
    if (values.date === undefined || Number.isNaN(chinaDayMs(values.date)))
      return usage('reconcile needs --date YYYY-MM-DD');
    const compared = await reconcileAt(
      at(values.config ?? join(DEFAULT_DATA, 'terminal.json')),
      values.date,
      ports,
    );
    if (!compared.ok) {
      ports.err(`pilotlight: ${describeFailure(compared.error)}`);
      return 3;
    }
    ports.out(json ? JSON.stringify(compared.value, null, 2) : reconcileText(compared.value));
    return reconcileCode(compared.value);
  }
  if (values.config !== undefined && values.data !== undefined)
    return usage('--config or --data, not both');
  const second = values.second === undefined ? null : at(values.second);
  const place =
    values.config === undefined
      ? journalPlace(at(values.data ?? DEFAULT_DATA), second)
      : configuredPlace(at(values.config), second);
  if (place === null) {
    ports.err(
      `pilotlight: ${describeFailure(failure('CONF-0101', `${at(values.config ?? '')} names no journal`))}`,
    );
    return 1;
  }
  if (command === 'journal verify') {
    const answer = verifyAt(place);
    ports.out(json ? JSON.stringify(answer, null, 2) : verifyText(answer));
    return answer.ok ? 0 : 1;
  }
  if (command === 'journal backup') {
    ports.giveWay?.();
    // A folder or a file of root's there would stop every backup that the kiosk itself makes.
    (ports.becomeOwner ?? becomeOwner)(place.dataDir);
    const made = await backupAt(place);
    if (!made.ok) {
      const { code, detail } = made.error;
      if (json) ports.out(JSON.stringify({ ok: false, code, detail }));
      ports.err(`pilotlight: ${describeFailure(made.error)}`);
      return 1;
    }
    ports.out(json ? JSON.stringify({ ok: true, ...made.value }) : made.value.name);
    return 0;
  }
  if (command === 'journal restore') {
    const restored = restoreAt(place, values.yes === true, ports.clock.nowMs());
    if (!restored.ok) {
      ports.err(`pilotlight: ${describeFailure(restored.error)}`);
      return 1;
    }
    const answer = restored.value;
    ports.out(json ? JSON.stringify(answer, null, 2) : restoreText(answer));
    return answer.damage === null || answer.aside !== null ? 0 : 1;
  }
  const orders = readOrders(place.dataDir);
  if (!orders.ok) {
    ports.err(`pilotlight: ${describeFailure(orders.error)}`);
    return 1;
  }
  ports.out(json ? JSON.stringify({ orders: orders.value }, null, 2) : ordersText(orders.value));
  return 0;
}
