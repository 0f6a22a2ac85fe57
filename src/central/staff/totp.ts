import { generateURI, verifySync } from 'otplib';
import { renderSVG } from 'uqr';
import type { Random } from '../../shared/ports.ts';

/** RFC 6238 as every authenticator has it: SHA-1, six digits, steps of 30 s. */
const STEP_S = 30;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A new secret: 160 bits (RFC 4226, section 4, R6), base32. */
export function newTotpSecret(random: Random): string {
  const bits = [...random.bytes(20)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? [])
    .map((five) => ALPHABET[Number.parseInt(five, 2)] ?? '')
    .join('');
}

/**
 * The step whose code this is: now, or one beside it (RFC 6238, section 5.2, for a clock that is
 * off); null: it is none. The caller sees to it that a step counts once.
 */
export function totpStep(secret: string, code: string, nowMs: number): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  const told = verifySync({
    secret,
    token: code,
    epoch: Math.floor(nowMs / 1_000),
    epochTolerance: STEP_S,
    period: STEP_S,
  });
  return told.valid && 'timeStep' in told ? told.timeStep : null;
}

/** The secret as an authenticator takes it from a screen. */
export const totpAddress = (secret: string, name: string): string =>
  generateURI({ issuer: 'Pilotlight 长明', label: name, secret });

/** … as a picture: SVG without script or style. */
export const totpPicture = (secret: string, name: string): string =>
  renderSVG(totpAddress(secret, name), { border: 2, pixelSize: 6 });
