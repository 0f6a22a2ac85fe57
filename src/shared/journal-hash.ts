import { hash as digest } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';

/** What one event's hash covers, besides the previous hash. */
export interface HashedEvent {
  readonly epoch: number;
  readonly seq: number;
  readonly kind: string;
  readonly wallMs: number;
  readonly orderId: string | null;
  readonly body: unknown;
}

const sha256 = (text: string): string => digest('sha256', text, 'hex');

/**
 * The hash before the first event (number 1) of a journal: SHA-256 over canonical JSON of terminal
 * id and epoch, lower-case hex.
 */
export function genesisHash(terminalId: string, epoch: number): string {
  return sha256(canonicalJson({ terminalId, epoch }));
}

/** Lower-case hex SHA-256 over `prevHash` (as its hex text) followed by canonical JSON of the event. */
export function eventHash(prevHash: string, event: HashedEvent): string {
  return eventHashOfText(prevHash, event, canonicalJson(event.body));
}

/**
 * The same, of an event whose body is canonical JSON already (`bodyJson`): a body is the longest
 * part by far, and whoever keeps it as text makes the text once.
 */
export function eventHashOfText(
  prevHash: string,
  { epoch, seq, kind, wallMs, orderId }: Omit<HashedEvent, 'body'>,
  bodyJson: string,
): string {
  // Canonical JSON has its keys in order, and `body` is the first of them.
  return sha256(
    `${prevHash}{"body":${bodyJson},${canonicalJson({ epoch, seq, kind, wallMs, orderId }).slice(1)}`,
  );
}

/** The text that the terminal's key signs at each upload: `epoch:lastSeq:lastHash`. */
export function headText(epoch: number, lastSeq: number, lastHash: string): string {
  return `${epoch}:${lastSeq}:${lastHash}`;
}
