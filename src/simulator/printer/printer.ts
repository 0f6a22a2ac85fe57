import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** What came out of the printer, line by line. */
export type PrintedLine =
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly center: boolean;
      readonly double: boolean;
    }
  | { readonly kind: 'qr'; readonly text: string };
export interface PrintedSlip {
  readonly number: number;
  readonly lines: readonly PrintedLine[];
}

/** Paper and mechanics, as the status bytes tell them. */
export interface PrinterCondition {
  paper: 'ok' | 'low' | 'end';
  coverOpen: boolean;
  /** Takes no connection at all. */
  off: boolean;
}

/**
 * An ESC/POS receipt printer on a TCP port: it understands what real ones do (initialise, align,
 * sizes, Chinese in GB18030, QR code, feed, cut, real-time status) and keeps each cut slip.
 */
export class SimulatedPrinter {
  readonly slips: PrintedSlip[] = [];
  readonly condition: PrinterCondition = { paper: 'ok', coverOpen: false, off: false };
  /** Bytes that it did not understand; a test wants none. */
  readonly unknown: string[] = [];
  #server: Server | null = null;
  readonly #sockets = new Set<Socket>();
  #lines: PrintedLine[] = [];
  #count = 0;
  #onSlip: (slip: PrintedSlip) => void = () => undefined;

  onSlip(listener: (slip: PrintedSlip) => void): void {
    this.#onSlip = listener;
  }

  start(port: number, host = '127.0.0.1'): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        if (this.condition.off) {
          socket.destroy();
          return;
        }
        this.#sockets.add(socket);
        socket.on('close', () => this.#sockets.delete(socket));
        socket.on('error', () => socket.destroy());
        this.#serve(socket);
      });
      server.once('error', reject);
      server.listen(port, host, () => {
        this.#server = server;
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  close(): Promise<void> {
    for (const s of this.#sockets) s.destroy();
    return new Promise((resolve) => {
      if (this.#server === null) resolve();
      else this.#server.close(() => resolve());
    });
  }

  #status(n: number): number {
    const { paper, coverOpen } = this.condition;
    const bad = coverOpen || paper === 'end';
    switch (n) {
      case 1:
        return 0x12 | (bad ? 0x08 : 0);
      case 2:
        return 0x12 | (coverOpen ? 0x04 : 0) | (paper === 'end' ? 0x20 : 0);
      case 4:
        return 0x12 | (paper === 'low' ? 0x0c : 0) | (paper === 'end' ? 0x6c : 0);
      default:
        return 0x12;
    }
  }

  #serve(socket: Socket): void {
    let buffer = Buffer.alloc(0);
    const pen = { center: false, double: false, text: [] as number[], qr: '' };
    const flush = (): void => {
      const text = new TextDecoder('gb18030').decode(Uint8Array.from(pen.text));
      this.#lines.push({ kind: 'text', text, center: pen.center, double: pen.double });
      pen.text = [];
    };
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (;;) {
        const used = this.#one(buffer, pen, flush, socket);
        if (used === 0) return;
        buffer = buffer.subarray(used);
      }
    });
  }

  /** Carries out one command or character; 0: more bytes are needed. */
  #one(
    b: Buffer,
    pen: { center: boolean; double: boolean; text: number[]; qr: string },
    flush: () => void,
    socket: Socket,
  ): number {
    if (b.length === 0) return 0;
    const [c0 = 0, c1, c2, c3] = b;
    const need = (n: number): boolean => b.length >= n;
    switch (c0) {
      case 0x0a:
        flush();
        return 1;
      case 0x10: // DLE EOT n
        if (!need(3)) return 0;
        socket.write(Uint8Array.of(this.#status(c2 ?? 0)));
        return 3;
      case 0x1b:
        if (!need(2)) return 0;
        if (c1 === 0x40) return 2;
        if (!need(3)) return 0;
        if (c1 === 0x61) pen.center = c2 === 1;
        else if (c1 !== 0x64) this.unknown.push(b.toString('hex', 0, 3));
        return 3;
      case 0x1c: // FS & . W
        if (!need(2)) return 0;
        if (c1 === 0x26 || c1 === 0x2e) return 2;
        if (!need(3)) return 0;
        if (c1 === 0x57) pen.double = c2 === 1;
        else this.unknown.push(b.toString('hex', 0, 3));
        return 3;
      case 0x1d:
        if (!need(3)) return 0;
        if (c1 === 0x21) {
          pen.double = c2 !== 0;
          return 3;
        }
        if (c1 === 0x56) {
          if (!need(4)) return 0;
          this.#cut();
          return 4;
        }
        if (c1 === 0x28 && c2 === 0x6b) {
          if (!need(5)) return 0;
          const length = (c3 ?? 0) + (b[4] as number) * 256;
          if (!need(5 + length)) return 0;
          const data = b.subarray(5, 5 + length);
          if (data[1] === 0x50) pen.qr = data.toString('utf8', 3);
          if (data[1] === 0x51) this.#lines.push({ kind: 'qr', text: pen.qr });
          return 5 + length;
        }
        this.unknown.push(b.toString('hex', 0, 3));
        return 3;
      default:
        if (c0 < 0x20) {
          this.unknown.push(b.toString('hex', 0, 1));
          return 1;
        }
        pen.text.push(c0);
        return 1;
    }
  }

  #cut(): void {
    if (this.condition.coverOpen || this.condition.paper === 'end') {
      this.#lines = [];
      return;
    }
    this.#count += 1;
    const slip = { number: this.#count, lines: this.#lines };
    this.#lines = [];
    this.slips.push(slip);
    if (this.slips.length > 50) this.slips.shift();
    this.#onSlip(slip);
  }
}

/** The slip as a picture (SVG): black on paper, as it came out. */
export function slipSvg(slip: PrintedSlip): string {
  const width = 384;
  let y = 28;
  const parts: string[] = [];
  const escape = (s: string): string => s.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  for (const l of slip.lines) {
    if (l.kind === 'qr') {
      parts.push(
        `<text x="${width / 2}" y="${y}" text-anchor="middle" font-size="14">[二维码] ${escape(l.text.slice(0, 40))}</text>`,
      );
      y += 30;
      continue;
    }
    const size = l.double ? 34 : 21;
    const step = l.double ? 46 : 30;
    const text = escape(l.text).replace(/ {2,}/g, (s) => ' '.repeat(s.length));
    parts.push(
      l.center
        ? `<text x="${width / 2}" y="${y + (l.double ? 12 : 0)}" text-anchor="middle" font-size="${size}">${text}</text>`
        : line(text, y),
    );
    y += step;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 16}" viewBox="0 0 ${width} ${y + 16}"><rect width="100%" height="100%" fill="#fffdf6"/><g fill="#1a1a1a" font-family="'Noto Sans Mono CJK SC','Noto Sans CJK SC',monospace" xml:space="preserve">${parts.join('')}</g></svg>`;

  /** Label on the left, value on the right, as the columns of the printer put them. */
  function line(text: string, at: number): string {
    const pair = /^(.*\S) {2,}(\S.*)$/.exec(text);
    if (pair === null) return `<text x="14" y="${at}" font-size="21">${text}</text>`;
    return `<text x="14" y="${at}" font-size="21">${pair[1]}</text><text x="${width - 14}" y="${at}" text-anchor="end" font-size="21">${pair[2]}</text>`;
  }
}
