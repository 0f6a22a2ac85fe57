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
