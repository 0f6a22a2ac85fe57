import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** One file of the built renderer, in memory. */
export interface StaticFile {
  readonly type: string;
  readonly body: Buffer;
  /** Content-hashed names never change. */
  readonly immutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.clips': 'application/octet-stream',
};

/**
 * Reads the built renderer once, as a closed map from URL path to file: a request can only ever
 * name a key of it, so no path of the disk can be asked for. Files of unknown type are left out.
 *
 * @throws when the folder has no index.html, naming the folder
 */
export function loadStaticFiles(folder: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  const walk = (relative: string): void => {
    for (const entry of readdirSync(path.join(folder, relative), { withFileTypes: true })) {
      const name = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) walk(name);
      else if (entry.isFile()) {
        const type = TYPES[path.extname(name)];
        if (type !== undefined)
          files.set(`/${name}`, {
            type,
            body: readFileSync(path.join(folder, name)),
            immutable: name.startsWith('assets/'),
          });
      }
    }
  };
  try {
    walk('');
  } catch (cause) {
    throw new Error(`the built renderer is not at ${folder}; build it first`, { cause });
  }
  const index = files.get('/index.html');
  if (index === undefined)
    throw new Error(`the built renderer is not at ${folder}; build it first`);
  files.set('/', index);
  return files;
}

/** What a page asks for a clip of policy's texts, which the core makes. */
const SAID = /^\/said\/([0-9a-f]{16})\.wav$/;

/**
 * A clip that the core made, as a file: without a byte while it has not. Undefined: the path names
 * none.
 */
export function saidClip(
  pathname: string,
  clip: (id: string) => Buffer | null,
): StaticFile | undefined {
  const id = SAID.exec(pathname)?.[1];
  if (id === undefined) return undefined;
  return { type: 'audio/wav', body: clip(id) ?? Buffer.alloc(0), immutable: false };
}

/**
 * The page's Content-Security-Policy. It connects to where it came from, and nowhere else: for
 * clips, and for the browser shell's socket.
 */
export function contentSecurityPolicy(): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "object-src 'none'",
  ].join('; ');
}

/** Headers of every answer. */
export function securityHeaders(): Readonly<Record<string, string>> {
  return {
    'Content-Security-Policy': contentSecurityPolicy(),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy':
      'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=(), payment=()',
  };
}
