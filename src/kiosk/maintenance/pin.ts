import { scrypt, timingSafeEqual } from 'node:crypto';
import type { MaintenanceRole } from '../../shared/contract/index.ts';
import { fromHex, toHex } from '../../shared/bytes.ts';

/** A person who may enter maintenance mode, as `terminal.json` names them. */
export interface MaintenanceUser {
  readonly name: string;
  /** His technician's card, ten digits. */
  readonly card?: string | undefined;
  /** Left out: a technician. */
  readonly role?: MaintenanceRole | undefined;
  /** Hex. */
  readonly salt: string;
  /** Hex, scrypt of the PIN's UTF-8 digits with {@link SCRYPT}. */
  readonly hash: string;
}

/** 32 MB and about a tenth of a second for each guess; off the event loop. */
export const SCRYPT = { N: 2 ** 15, r: 8, p: 1 } as const;
export const HASH_BYTES = 32;
/** Of a new PIN’s salt. */
export const SALT_BYTES = 16;
/** scrypt needs 128·N·r bytes and a little; Node's own limit stands exactly there. */
const MAX_MEMORY = 64 * 1024 * 1024;

function derive(pin: string, salt: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    scrypt(pin, salt, HASH_BYTES, { ...SCRYPT, maxmem: MAX_MEMORY }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

/** What `terminal.json` keeps of a PIN. */
export async function hashPin(
  name: string,
  pin: string,
  salt: Uint8Array,
): Promise<MaintenanceUser> {
  return {
    name,
    salt: toHex(salt).toLowerCase(),
    hash: toHex(await derive(pin, salt)).toLowerCase(),
  };
}

/**
 * Whose PIN it is; null: nobody's. All users are tried in full whoever it is, so that the time
 * tells nothing.
 */
export async function whosePin(
  users: readonly MaintenanceUser[],
  pin: string,
): Promise<string | null> {
  let who: string | null = null;
  for (const user of users) {
    const found = timingSafeEqual(await derive(pin, fromHex(user.salt)), fromHex(user.hash));
    if (found && who === null) who = user.name;
  }
  return who;
}

/** Why a PIN is not good enough; null: it is. */
export function pinProblem(pin: string): 'not-digits' | 'short' | 'long' | 'trivial' | null {
  if (!/^\d*$/.test(pin)) return 'not-digits';
  if (pin.length < 6) return 'short';
  if (pin.length > 12) return 'long';
  const steps = [...pin].slice(1).map((digit, at) => (Number(digit) - Number(pin[at]) + 10) % 10);
  // 111111, 123456, 987654 and 246802: every step the same.
  if (new Set(steps).size === 1) return 'trivial';
  // 121212 and 123123: a short piece repeated.
  for (const size of [2, 3])
    if (pin.length % size === 0 && pin === pin.slice(0, size).repeat(pin.length / size))
      return 'trivial';
  return null;
}
