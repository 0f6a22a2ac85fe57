/** An expected outcome as a value. Failures that a caller must deal with are never thrown. */
export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** It went well. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** It did not; `error` says why. */
export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}

/**
 * Ends an exhaustive switch: a new member of the union becomes a type error here, and a loud
 * failure at run time.
 */
export function never(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
