/** The longest code that anything here reads; more is noise, or another device. */
export const MAX_CODE = 256;

/**
 * A code without what scanners put before it: the symbology identifier of ISO/IEC 15424 (`]Q1`,
 * `]C0` and the like: a bracket, a letter, a digit or letter), which many are set up to send.
 */
export const bareCode = (text: string): string => text.replace(/^\][A-Za-z][0-9A-Za-z]/, '');

/**
 * Bytes that frame a code and are none of it, as scanners send them at its edges: NUL, SOH to EOT,
 * TAB, ETB, FS to US, DEL.
 */
export const isFraming = (byte: number): boolean =>
  byte <= 0x04 || byte === 0x09 || byte === 0x17 || (byte >= 0x1c && byte < 0x20) || byte === 0x7f;
