import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import {
  centralFingerprint,
  enrolAnswerSchema,
  enrolledSchema,
  enrolText,
  fingerprintOf,
  isAnswerProof,
  keysOfCode,
  normalKey,
  readCode,
} from '../../shared/enrolment.ts';
import type { CodeKeys, Enrolled, EnrolRequest } from '../../shared/enrolment.ts';
import { describeFailure } from '../../shared/errors.ts';
import { problemSchema } from '../../shared/central-api/index.ts';
import {
  completeConfig,
  configProblems,
  terminalConfigSchema,
} from '../../shared/config/terminal.ts';
import type { TerminalConfigFile } from '../../shared/config/terminal.ts';
import { httpPort } from '../../shared/http.ts';
import type { HttpSend } from '../../shared/http.ts';
import type { Clock, Random } from '../../shared/ports.ts';
import { keyIdOf } from '../../shared/signing.ts';
import { loadCentralLine } from '../core/central-line.ts';
import { forgetPending, pendingFile, pendingKey, writeWhole } from './enrol-files.ts';

/** What was typed. */
export interface EnrolAsked {
  readonly central: string;
  readonly code: string;
  /** The terminal.json that gets the identity. */
  readonly config: string;
  /** What it is made from where there is none; null: nothing. */
  readonly from: string | null;
  /** An identity that is there is given up. */
  readonly replace: boolean;
  /** The next key of the identity that is there. */
  readonly rotate: boolean;
}
export interface EnrolPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Left out: as terminal.json says (its authorities, its proxy), else the platform's fetch. */
  readonly send?: HttpSend | undefined;
}

/** Why nothing was enrolled, in one sentence. */
class NotEnrolled extends Error {}
const TIMEOUT_MS = 20_000;
const MAX_ANSWER_BYTES = 16_384;

/**
 * Makes this machine's key, brings it to central under a one-time code (shared/enrolment.ts), and
 * writes the identity into terminal.json. The private key is made here and never leaves. Cut at any
 * point, it is done by doing it again: the same key waits on disk, and central answers it the same.
 *
 * @returns lines for whoever typed it, or why nothing was done
 */
export async function enrol(
  asked: EnrolAsked,
  ports: EnrolPorts,
): Promise<{ readonly ok: boolean; readonly lines: readonly string[] }> {
  try {
    return { ok: true, lines: await enrolled(asked, ports) };
  } catch (cause) {
    if (cause instanceof NotEnrolled || (cause as NodeJS.ErrnoException).code !== undefined)
      return { ok: false, lines: [(cause as Error).message] };
    throw cause;
  }
}

async function enrolled(asked: EnrolAsked, ports: EnrolPorts): Promise<readonly string[]> {
  const code = readCode(asked.code);
  if (code === null)
    throw new NotEnrolled('the code has 16 characters, in four groups: type it again');
  const baseUrl = centralUrl(asked.central);
  const file = readConfig(asked);
  const base = dirname(asked.config);
  const at = (path: string): string => (isAbsolute(path) ? path : resolve(base, path));
  const keyFile = at(file.central.keyFile);
  const folder = dirname(keyFile);
  const old = existsSync(keyFile) ? readFileSync(keyFile, 'utf8') : null;
  const keys = keysOfCode(code);
  const pem = pendingKeyFor(asked, old, pendingFile(folder, keys.handle));
  const answer = await ask(
    baseUrl,
    keys,
    { pem, old: asked.rotate ? old : null },
    {
      ...ports,
      send: ports.send ?? lineOf(file, baseUrl, at),
    },
  );
  if (asked.rotate && answer.terminalId !== file.terminalId)
    throw new NotEnrolled(
      `the code is terminal ${answer.terminalId}’s, and this machine is ${file.terminalId}`,
    );
  keep(asked, { file, folder, pem, baseUrl }, answer);
  return told(asked, answer);
}

/** @throws where a code would cross a network in the clear */
function centralUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new NotEnrolled(`--central ${text}: no address, https://HOST`);
  }
  const here = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && here))
    throw new NotEnrolled('--central: https is needed, but for this machine itself');
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new NotEnrolled('--central: an address without name, query and fragment');
  return url.href.replace(/\/+$/, '');
}

/** The configuration as it is, or as the template has it; every other key of it is kept. */
function readConfig({ config, from }: EnrolAsked): TerminalConfigFile {
  const source = existsSync(config) ? config : from;
  if (source === null)
    throw new NotEnrolled(
      `there is no ${config}: name what it is made from (--from terminal.example.json)`,
    );
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(source, 'utf8'));
  } catch (cause) {
    throw new NotEnrolled(`${source}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const parsed = terminalConfigSchema.safeParse(json);
  if (!parsed.success)
    throw new NotEnrolled(`${source}: ${configProblems(parsed.error).join('; ')}`);
  return parsed.data;
}

/** The key that waits, or a new one; where the machine has an identity, only if that is meant. */
function pendingKeyFor(
  { replace, rotate, config }: EnrolAsked,
  old: string | null,
  waits: string,
): string {
  const again = old !== null && existsSync(waits) && readFileSync(waits, 'utf8') === old;
  if (rotate && old === null)
    throw new NotEnrolled(`${config} names no key that is here: enrol without --rotate`);
  if (!rotate && !replace && old !== null && !again)
    throw new NotEnrolled(
      `${config} has an identity: --rotate gives it its next key, --replace gives it up`,
    );
  return pendingKey(waits, () =>
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
}

/** As the kiosk itself will reach central. */
function lineOf(
  file: TerminalConfigFile,
  baseUrl: string,
  path: (p: string) => string,
): HttpSend | undefined {
  if (!baseUrl.startsWith('https:')) return undefined;
  const line = loadCentralLine({ config: completeConfig(file), path });
  if (!line.ok) throw new NotEnrolled(describeFailure(line.error));
  return line.value;
}

/** @returns what central says, proven to be central's: nothing of it is believed before */
async function ask(
  baseUrl: string,
  code: CodeKeys,
  keys: { readonly pem: string; readonly old: string | null },
  ports: EnrolPorts,
): Promise<Enrolled> {
  const publicKeyPem = normalKey(keys.pem);
  const nonce = Buffer.from(ports.random.bytes(16)).toString('hex');
  const text = Buffer.from(enrolText({ handle: code.handle, publicKeyPem, nonce }), 'utf8');
  const signed = (key: Parameters<typeof sign>[2]): string =>
    sign(null, text, key).toString('base64');
  const body: EnrolRequest = {
    handle: code.handle,
    publicKeyPem,
    nonce,
    codeSignature: signed(code.privateKey),
    keySignature: signed(createPrivateKey(keys.pem)),
    ...(keys.old === null ? {} : { oldSignature: signed(createPrivateKey(keys.old)) }),
  };
  const { status, json } = await post(`${baseUrl}/v1/enrol`, body, ports);
  if (status !== 200) {
    const problem = problemSchema.safeParse(json);
    throw new NotEnrolled(
      `central refuses (${status}): ${problem.success ? (problem.data.detail ?? problem.data.title) : 'this may be no central'}`,
    );
  }
  const answer = enrolAnswerSchema.safeParse(json);
  if (!answer.success || !isAnswerProof(code.answerSecret, body, answer.data))
    throw new NotEnrolled(
      'what answered does not know the code: it is not the central that made it, and nothing was written',
    );
  const said = enrolledSchema.parse(JSON.parse(answer.data.body));
  if (said.fingerprint !== fingerprintOf(publicKeyPem))
    throw new NotEnrolled('central speaks of another key: nothing was written');
  for (const pem of Object.values(said.publicKeys)) normalKey(pem);
  return said;
}

/** What Node says of a certificate that nobody it trusts has signed (`X509_V_ERR_…` of OpenSSL). */
const UNKNOWN_AUTHORITY = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

async function post(
  url: string,
  body: EnrolRequest,
  { clock, send }: EnrolPorts,
): Promise<{ readonly status: number; readonly json: unknown }> {
  const { origin, pathname } = new URL(url);
  const abort = new AbortController();
  const cancel = clock.after(TIMEOUT_MS, () => abort.abort());
  try {
    const answer = await httpPort({ send })({
      method: 'POST',
      origin,
      target: pathname,
      headers: { 'Content-Type': 'application/json' },
      body: Buffer.from(JSON.stringify(body), 'utf8'),
      maxBytes: MAX_ANSWER_BYTES,
      signal: abort.signal,
    });
    const text = Buffer.from(answer.body ?? new Uint8Array(0)).toString('utf8');
    return { status: answer.status, json: jsonOf(text) };
  } catch (cause) {
    const why = cause instanceof Error ? cause : new Error(String(cause));
    const { message } = why.cause instanceof Error ? why.cause : why;
    if (UNKNOWN_AUTHORITY.has(String((why.cause as NodeJS.ErrnoException | undefined)?.code)))
      throw new NotEnrolled(
        `central’s certificate is of an authority that this machine does not know: put that authority’s certificate (PEM) beside the configuration, name it as central.caFile in it, and give the same command again`,
      );
    throw new NotEnrolled(
      `central was not reached (${message}): the same command may be given again`,
    );
  } finally {
    cancel();
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Keys under names of their own first; the one rename of terminal.json makes them count. */
function keep(
  { config }: EnrolAsked,
  {
    file,
    folder,
    pem,
    baseUrl,
  }: {
    readonly file: TerminalConfigFile;
    readonly folder: string;
    readonly pem: string;
    readonly baseUrl: string;
  },
  answer: Enrolled,
): void {
  const base = dirname(resolve(config));
  const told = (name: string): string => {
    const path = relative(base, join(folder, name));
    // One that lies elsewhere is named as it is.
    return path.startsWith('..') ? join(folder, name) : path.replaceAll('\\', '/');
  };
  const own = `terminal-${answer.terminalId}-${keyIdOf(createPublicKey(pem))}.pem`;
  writeWhole(join(folder, own), pem, 0o600, folder);
  const central = centralFingerprint(answer.publicKeys).replaceAll(' ', '').slice(0, 8);
  const files = { policy: '', answers: '', gateway: '' };
  for (const name of ['policy', 'answers', 'gateway'] as const) {
    const key = `central-${central}-${name}.pub.pem`;
    writeWhole(join(folder, key), answer.publicKeys[name], 0o644, folder);
    files[name] = told(key);
  }
  const mode = existsSync(config) ? statSync(config).mode & 0o777 : 0o644;
  const next: TerminalConfigFile = {
    ...file,
    terminalId: answer.terminalId,
    site: siteOf(file.site, answer),
    central: {
      ...file.central,
      baseUrl,
      keyFile: told(own),
      policyKeyFile: files.policy,
      answerKeyFile: files.answers,
      gatewayKeyFile: files.gateway,
    },
  };
  writeWhole(
    config,
    `${JSON.stringify(next, null, 2)}\n`,
    mode,
    existsSync(config) ? config : base,
  );
  forgetPending(folder);
}

/** Central's names, in Chinese; an English name of the same place stays. */
function siteOf(
  site: TerminalConfigFile['site'],
  { site: name, name: terminalName }: Enrolled,
): TerminalConfigFile['site'] {
  const parts = typeof site === 'string' || 'zh' in site ? { name: site } : site;
  const both = (was: unknown, zh: string) =>
    typeof was === 'object' && was !== null && (was as { zh?: unknown }).zh === zh
      ? (was as { zh: string; en: string })
      : { zh, en: zh };
  return {
    ...parts,
    name: both(parts.name, name),
    terminalName: both('terminalName' in parts ? parts.terminalName : null, terminalName),
  };
}

const told = ({ config, rotate }: EnrolAsked, answer: Enrolled): readonly string[] => [
  `terminal  ${answer.terminalId}, ${answer.site}, ${answer.name}`,
  `machine   ${answer.fingerprint}`,
  `central   ${centralFingerprint(answer.publicKeys)}`,
  ...(answer.state === 'active'
    ? ['the key counts']
    : [
        'compare the machine’s digits with central’s person, who types:',
        `  pilotlight-central terminal confirm ${answer.terminalId} ${answer.fingerprint}`,
      ]),
  `written: ${basename(config)}${rotate ? '; restart the kiosk: it reads its key at its start, and its old one counts until the overlap ends' : ''}`,
];
