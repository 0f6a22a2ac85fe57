import { answerText } from '../../shared/gateway-api.ts';
import type { KeyId, Signer } from '../../shared/ports.ts';
import type { TerminalStatus } from '../../shared/trust.ts';
import { signText } from '../../shared/signatures.ts';
import type { Keyring } from '../../shared/signatures.ts';
import {
  ANSWER_KEY,
  ANSWER_SIGNATURE,
  REQUEST_HEADERS,
  requestText,
  signedAnswerText,
} from '../../shared/signed-request.ts';
import type { Db } from '../db/sql.ts';
import { KEY_COLUMNS, terminalDisbelief } from '../fleet/keys.ts';
import type { KeyColumns } from '../fleet/keys.ts';
import { Refusal } from './problem.ts';
import { headerOf } from './request.ts';
import type { CentralAnswer, CentralRequest } from './request.ts';

export interface SignedParts {
  readonly db: () => Db;
  readonly now: () => number;
  /** A terminal's keys by its public key as registered. */
  readonly keysOf: (publicKeyPem: string) => Keyring;
  /** Central's own, for what it answers. */
  readonly answers: Signer & KeyId;
  /** The gateway's own. */
  readonly gateway: Signer & KeyId;
}
/** Who made a request. */
export interface SignedBy {
  readonly terminalId: string;
  readonly status: TerminalStatus;
}
/** Both directions of what terminals and central sign. */
export interface SignedExchange {
  /**
   * Checks the request's signature, and that it comes for the first time: that is on disk before
   * anything is done for it. An honest terminal makes a nonce for every try, so what is refused
   * here was carried out before, or is not its own.
   *
   * @returns The terminal that made it, and what it may do
   */
  readonly signedBy: (request: CentralRequest) => Promise<SignedBy>;
  /**
   * An answer says by its signature that it is central's, and to which request: one to nobody, or
   * without a nonce, stays as it is.
   */
  readonly signedAnswer: (request: CentralRequest, answer: CentralAnswer) => CentralAnswer;
  /** An answer of the gateway's, under its own key. */
  readonly paymentAnswer: (
    request: CentralRequest,
    terminalId: string,
    answer: CentralAnswer,
  ) => CentralAnswer;
}

/** A request older or newer than this is refused (docs: device authentication, 300 s). */
const WINDOW_MS = 300_000;
/**
 * A terminal's nonces are remembered until it has made a request of so much later. By its own
 * timestamps and not by central's clock: one that was set forward forgets nothing, and what was
 * forgotten stays refused when it is set back. An hour by which both were wrong is over with it.
 */
const NONCE_KEPT_MS = 2 * 3_600_000;
const NONCE = /^[\x21-\x7e]{1,64}$/;
/** How often each process lets go of a terminal's nonces that are over. */
const PRUNE_EVERY_MS = 600_000;

/** Who a request is from, and answers under central's key. */
export function signedExchange({ db, now, keysOf, answers, gateway }: SignedParts): SignedExchange {
  /** By terminal: up to which of its timestamps this process let go last. */
  const pruned = new Map<string, number>();

  async function signedBy(request: CentralRequest): Promise<SignedBy> {
    const terminalId = headerOf(request, REQUEST_HEADERS.terminal);
    const timestamp = headerOf(request, REQUEST_HEADERS.timestamp);
    const nonce = headerOf(request, REQUEST_HEADERS.nonce);
    const signature = headerOf(request, REQUEST_HEADERS.signature);
    if (terminalId === null || timestamp === null || nonce === null || signature === null)
      throw new Refusal('bad-signature', 'signature headers missing');
    if (!/^\d{1,16}$/.test(timestamp) || Math.abs(now() - Number(timestamp)) > WINDOW_MS)
      throw new Refusal('bad-signature', 'timestamp outside the window of 300 s');
    const row = (
      await db().query<KeyColumns & { status: TerminalStatus }>(
        `SELECT ${KEY_COLUMNS}, status FROM terminals WHERE terminal_id = $1`,
        [terminalId],
      )
    )[0];
    if (row === undefined) throw new Refusal('unknown-terminal', 'this terminal is not registered');
    const { method, target, body } = request;
    const text = requestText({ method, target, timestamp, nonce, body });
    if (terminalDisbelief(row, { keysOf, nowMs: now() }, text, signature) !== null)
      throw new Refusal('bad-signature', 'the signature does not match');
    await remember(terminalId, nonce, Number(timestamp));
    return { terminalId, status: row.status };
  }

  /** Only after the signature: nobody else can use a terminal's nonces up. */
  async function remember(terminalId: string, nonce: string, timestampMs: number): Promise<void> {
    if (!NONCE.test(nonce))
      throw new Refusal('bad-signature', 'a nonce has 1 to 64 visible characters');
    const first = await db().query(
      `INSERT INTO nonces (terminal_id, nonce, until_ms)
       SELECT $1::text, $2::text, $3::bigint WHERE NOT EXISTS
         (SELECT 1 FROM nonce_marks m WHERE m.terminal_id = $1::text AND m.from_ms > $4::bigint)
       ON CONFLICT DO NOTHING RETURNING nonce`,
      [terminalId, nonce, timestampMs + NONCE_KEPT_MS, timestampMs],
    );
    if (first.length === 0)
      throw new Refusal('replayed', 'this very request was carried out before, or could have been');
    if (timestampMs - (pruned.get(terminalId) ?? 0) < PRUNE_EVERY_MS) return;
    pruned.set(terminalId, timestampMs);
    // Housekeeping: what comes in its way (another process at the same rows) is nobody's refusal.
    await prune(terminalId, timestampMs).catch(
      (cause: unknown) => void process.stderr.write(`central: nonces: ${String(cause)}\n`),
    );
  }

  /** What this terminal asked long before `newestMs`. The mark first: see `remember`. */
  async function prune(terminalId: string, newestMs: number): Promise<void> {
    await db().query(
      `INSERT INTO nonce_marks (terminal_id, from_ms) VALUES ($1, $2)
       ON CONFLICT (terminal_id) DO UPDATE
         SET from_ms = GREATEST(nonce_marks.from_ms, EXCLUDED.from_ms)`,
      [terminalId, newestMs - NONCE_KEPT_MS],
    );
    await db().query('DELETE FROM nonces WHERE terminal_id = $1 AND until_ms < $2', [
      terminalId,
      newestMs,
    ]);
  }

  const under = (signer: Signer & KeyId, text: string, answer: CentralAnswer): CentralAnswer => {
    const { signature, keyId } = signText(signer, text);
    const headers = { ...answer.headers, [ANSWER_SIGNATURE]: signature, [ANSWER_KEY]: keyId };
    return { ...answer, headers };
  };
  return {
    signedBy,
    signedAnswer: (request, answer) => {
      const terminalId = headerOf(request, REQUEST_HEADERS.terminal);
      const nonce = headerOf(request, REQUEST_HEADERS.nonce);
      if (terminalId === null || nonce === null) return answer;
      const { method, target, body: asked } = request;
      const { status } = answer;
      const body = Buffer.from(answer.body, 'utf8');
      const mark = { terminalId, method, target, nonce, asked, status, body };
      return under(answers, signedAnswerText(mark), answer);
    },
    paymentAnswer: (request, terminalId, answer) => {
      const { method, target } = request;
      const nonce = String(request.headers[REQUEST_HEADERS.nonce]);
      const body = Buffer.from(answer.body, 'utf8');
      const text = answerText(terminalId, method, target, nonce, answer.status, body);
      return under(gateway, text, answer);
    },
  };
}
