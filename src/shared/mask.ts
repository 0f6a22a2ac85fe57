/** What a screen or page shows of numbers and names: enough for their owner, useless to others. */

/** `8800003921` → `8800 **** 3921`: never more on a screen in a public hall. */
export function maskCardNo(cardNo: string): string {
  return `${cardNo.slice(0, 4)} **** ${cardNo.slice(-4)}`.trim();
}

/** `张小明` → `张*明`, `张明` → `张*`, one character or none → `*`. */
export function maskName(name: string): string {
  const chars = [...name];
  if (chars.length <= 1) return '*';
  if (chars.length === 2) return `${chars[0]}*`;
  return `${chars[0]}${'*'.repeat(chars.length - 2)}${chars.at(-1)}`;
}

/** `13805586212` → `138 **** 6212`, a land line alike. */
export function maskPhone(phone: string): string {
  return `${phone.slice(0, 3)} **** ${phone.slice(-4)}`;
}

/** `1002203344` → `1002 **** 44`: its owner knows it by that. */
export function maskUserNo(userNo: string): string {
  return `${userNo.slice(0, 4)} **** ${userNo.slice(-2)}`;
}

/**
 * `清河路 12 号 3 栋 501` → `清河路 ***`: the street or quarter, by which its holder knows it. What
 * begins with a number is not told at all.
 */
export function maskAddress(address: string): string {
  const first = /^[^\d０-９栋幢#]{0,12}/u.exec(address)?.[0].trim() ?? '';
  return `${first} ***`.trim();
}
