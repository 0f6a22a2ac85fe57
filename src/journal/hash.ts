import { hash } from 'node:crypto';

/**
 * The same text as `canonicalJson` of shared/central-api.ts (a test compares them), made for the journal's hot path:
 * keys sorted by code unit, no white space, undefined members left out.
 */
export function canonical(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError('canonical JSON has finite numbers only');
    return Object.is(value, -0) ? '0' : String(value);
  }
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object') throw new RangeError(`canonical JSON cannot hold a ${typeof value}`);
  const record = value as Record<string, unknown>;
  const keys = Object.keys(record).sort();
  let text = '';
  for (const key of keys) {
    const member = record[key];
    if (member !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonical(member)}`;
  }
  return `{${text}}`;
}

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
