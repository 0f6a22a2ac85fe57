import type { KeyId, Signer, Verifier } from './ports.ts';

/** A signature as it travels: beside what it covers, with the id of the key that made it. */
export interface Signature {
  /** Base64. */
  readonly signature: string;
  /** Left out by who knows of one key only: a terminal, and a central of before key ids. */
  readonly keyId?: string | undefined;
}

/** Signs a text's UTF-8 bytes. */
export function signText(
  signer: Signer & KeyId,
  text: string,
): { readonly signature: string; readonly keyId: string } {
  const bytes = signer.sign(Buffer.from(text, 'utf8'));
  return { signature: Buffer.from(bytes).toString('base64'), keyId: signer.keyId };
}

/** Why a signature is not believed, in words for a technician. */
export type Disbelief =
  | 'signature missing'
  | 'signature by a key that is not known here'
  | 'signature does not match';

/**
 * The public keys of one signer: the current one, and where it is being changed the next one too.
 * Requests, heads of journals, the policy and answers about money are all checked here.
 */
export class Keyring {
  readonly #keys: ReadonlyMap<string, Verifier & KeyId>;
  readonly #current: Verifier & KeyId;

  constructor(current: Verifier & KeyId, ...next: readonly (Verifier & KeyId)[]) {
    this.#current = current;
    this.#keys = new Map([current, ...next].map((key) => [key.keyId, key]));
  }

  /**
   * Null: the signature holds. One that names its key is checked by that key alone, one that names
   * none by the current key.
   */
  disbelief(text: string, { signature, keyId }: Signature): Disbelief | null {
    if (signature === '') return 'signature missing';
    const key = keyId === undefined ? this.#current : this.#keys.get(keyId);
    if (key === undefined) return 'signature by a key that is not known here';
    const raw = Buffer.from(signature, 'base64');
    // One signature has one spelling: base64 with stray bits or characters is refused.
    return raw.toString('base64') === signature && key.verify(Buffer.from(text, 'utf8'), raw)
      ? null
      : 'signature does not match';
  }
}
