/** TLS, or no line at all. */
export function isPrivateLine(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** An address that everybody on the way reads along with; left out: none. */
export const isPlainOutside = (address: string | undefined): boolean =>
  address !== undefined && !isPrivateLine(address);
