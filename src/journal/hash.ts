import { hash } from 'node:crypto';

/** What {@link chainHash} covers; `bodyJson` is the body's canonical JSON. */
export interface Hashable {
  readonly epoch: number;
  readonly seq: number;
  readonly kind: string;
  readonly wallMs: number;
  readonly orderId: string | null;
  readonly bodyJson: string;
}

/** `eventHash` of shared/journal-hash.ts, from a body whose canonical text is at hand already. */
export function chainHash(prevHash: string, e: Hashable): string {
  return hash(
    'sha256',
    `${prevHash}{"body":${e.bodyJson},"epoch":${e.epoch},"kind":${JSON.stringify(e.kind)},"orderId":${e.orderId === null ? 'null' : JSON.stringify(e.orderId)},"seq":${e.seq},"wallMs":${e.wallMs}}`,
    'hex',
  );
}
