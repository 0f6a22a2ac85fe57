import { hash } from 'node:crypto';
import type { KeyId, Signer } from './ports.ts';
import { signText } from './signatures.ts';

/** What a terminal signs of each request to central, and the headers that carry it. */
export interface RequestMark {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Milliseconds since 1970, in digits. */
  readonly timestamp: string;
  /** Another one for every try. */
  readonly nonce: string;
  /** The bytes as sent. */
  readonly body: Uint8Array;
}

/** Names of the request's headers, in lower case. */
export const REQUEST_HEADERS = {
  terminal: 'pilotlight-terminal',
  timestamp: 'pilotlight-timestamp',
  nonce: 'pilotlight-nonce',
  signature: 'pilotlight-signature',
} as const;

/** The text that a request's signature covers. */
export function requestText({ method, target, timestamp, nonce, body }: RequestMark): string {
  return `${method}\n${target}\n${timestamp}\n${nonce}\n${hash('sha256', body, 'hex')}\n`;
}

/** A request's headers under the terminal's own key, of which central holds one. */
export function signedHeaders(
  terminalId: string,
  signer: Signer & KeyId,
  mark: RequestMark,
): Record<string, string> {
  return {
    'Pilotlight-Terminal': terminalId,
    'Pilotlight-Timestamp': mark.timestamp,
    'Pilotlight-Nonce': mark.nonce,
    'Pilotlight-Signature': signText(signer, requestText(mark)).signature,
  };
}

/** Header of an answer: base64 of the signature over what it covers. */
export const ANSWER_SIGNATURE = 'pilotlight-signature';
/** Header of an answer: the id of the key that signed it. */
export const ANSWER_KEY = 'pilotlight-key';

/** Which request an answer of central is to, and what it says. */
export interface AnswerMark {
  readonly terminalId: string;
  readonly method: string;
  readonly target: string;
  readonly nonce: string;
  /** The request's bytes as sent. */
  readonly asked: Uint8Array;
  readonly status: number;
  /** The answer's bytes. */
  readonly body: Uint8Array;
}

/**
 * What the signature of an answer of central covers, refusals and the time included. The first line
 * keeps it apart from everything else that is signed; terminal, nonce and the request's bytes bind
 * it to one request, so nobody on the way gives a terminal an answer that was kept, made up, or
 * meant for another question.
 */
export function signedAnswerText(mark: AnswerMark): string {
  const { terminalId, method, target, nonce, asked, status, body } = mark;
  return `PILOTLIGHT-ANSWER\n${terminalId}\n${method}\n${target}\n${nonce}\n${hash('sha256', asked, 'hex')}\n${status}\n${hash('sha256', body, 'hex')}\n`;
}
