import { scrypt, timingSafeEqual } from 'node:crypto';
import type { Random } from '../../shared/ports.ts';

/** What a hash costs (RFC 7914): N, r, p. It is kept with each hash, so that it may grow. */
export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}
/** 32 MiB and three passes: OWASP, Password Storage Cheat Sheet, scrypt. */
export const SCRYPT_COST: ScryptCost = { n: 32_768, r: 8, p: 3 };
/** What a password has at the least; NIST SP 800-63B asks for no mixture of characters. */
export const MIN_PASSWORD = 12;
/** A longer one is refused before it costs anything. */
export const MAX_PASSWORD = 128;
const HASH_BYTES = 32;

/** `scrypt$N$r$p$salt$hash`, the last two in base64url. */
export async function hashPassword(
  password: string,
  random: Random,
  cost: ScryptCost,
): Promise<string> {
  const salt = Buffer.from(random.bytes(16));
  const hash = await derived(password, salt, cost);
  return ['scrypt', cost.n, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')]
    .map(String)
    .join('$');
}

/** Is it this one? A stored text that cannot be read is nobody's password. */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [kind, n, r, p, salt = '', hash = ''] = stored.split('$');
  if (kind !== 'scrypt') return false;
  const cost = { n: Number(n), r: Number(r), p: Number(p) };
  const [want, got] = [
    Buffer.from(hash, 'base64url'),
    await derived(password, Buffer.from(salt, 'base64url'), cost),
  ];
  return want.length === got.length && timingSafeEqual(want, got);
}

/** Was it made at another cost than today's? Then it is made anew when its password is typed. */
export const isOutdated = (stored: string, { n, r, p }: ScryptCost): boolean =>
  !stored.startsWith(`scrypt$${n}$${r}$${p}$`);

/** So many at once take a processor and 32 MiB each; the others wait their turn. */
const AT_ONCE = 2;
let running = 0;
const waiting: (() => void)[] = [];

async function derived(password: string, salt: Buffer, { n, r, p }: ScryptCost): Promise<Buffer> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      // The same letters typed in another form of Unicode are the same password.
      scrypt(
        password.normalize('NFKC'),
        salt,
        HASH_BYTES,
        { N: n, r, p, maxmem: 256 * n * r },
        (cause, key) => (cause === null ? resolve(key) : reject(cause)),
      );
    });
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}
