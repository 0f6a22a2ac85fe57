/**
 * Have both the same JSON? Plain values only; members that are undefined count as absent, the order
 * of members does not count. Parts that are one object are not looked into.
 */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (
    typeof a !== 'object' ||
    typeof b !== 'object' ||
    a === null ||
    b === null ||
    Array.isArray(a) !== Array.isArray(b)
  )
    return false;
  if (Array.isArray(a))
    return (
      a.length === (b as unknown[]).length && a.every((v, i) => sameJson(v, (b as unknown[])[i]))
    );
  return sameMembers(a as Record<string, unknown>, b as Record<string, unknown>, null);
}

/** {@link sameJson} of two objects, `but` for these members. */
export function sameMembers(
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
  but: ReadonlySet<string> | null,
): boolean {
  let left = 0;
  for (const key in b) if (b[key] !== undefined && but?.has(key) !== true) left += 1;
  for (const key in a) {
    const value = a[key];
    if (value === undefined || but?.has(key) === true) continue;
    if (!sameJson(value, b[key])) return false;
    left -= 1;
  }
  return left === 0;
}
