import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { QrStore } from './qr-store.ts';

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
  /** Rows until the paper ends by itself; null: plenty. */
  rowsLeft: number | null;
  /** Automatic status is on (GS a): four bytes at every change, and when somebody connects. */
  automaticStatus: boolean;
}

/** What a connection has sent and the printer has not printed yet, and how it stands there. */
interface Job {
  readonly socket: Socket;
  buffer: Buffer;
  readonly pen: { center: boolean; double: boolean; text: number[]; qr: QrStore };
}

/** Its condition as somebody sets it; paper put in and a cover closed are noticed at once. */
function condition(changed: () => void): PrinterCondition {
  let paper: PrinterCondition['paper'] = 'ok';
  let coverOpen = false;
  return {
    get paper() {
      return paper;
    },
    set paper(to) {
      paper = to;
      changed();
    },
    get coverOpen() {
      return coverOpen;
    },
    set coverOpen(to) {
      coverOpen = to;
      changed();
    },
    off: false,
    rowsLeft: null,
    automaticStatus: false,
  };
}

/**
 * An ESC/POS receipt printer on a TCP port: it understands what real ones do (initialise, align,
 * sizes, Chinese in GBK, QR code, feed, cut, status) and keeps each cut slip. As real ones do, it
 * answers DLE EOT the moment it comes in, before what stands in front of it is printed, and GS r
 * only in its turn; without paper, or with its cover open, it holds what it was sent and goes on
 * when a roll is in.
 */
export class SimulatedPrinter {
  readonly slips: PrintedSlip[] = [];
  readonly condition: PrinterCondition = condition(() => this.#pump());
  /** Bytes that it did not understand; a test wants none. */
  readonly unknown: string[] = [];
  #server: Server | null = null;
  readonly #sockets = new Set<Socket>();
  readonly #jobs: Job[] = [];
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
    this.powerOff();
    return new Promise((resolve) => {
      if (this.#server === null) resolve();
      else this.#server.close(() => resolve());
    });
  }

  /** What it holds is gone, as when somebody switches it off. */
  powerOff(): void {
    this.#jobs.length = 0;
    this.#lines = [];
    for (const s of this.#sockets) s.destroy();
  }

  #stuck(): boolean {
    return this.condition.coverOpen || this.condition.paper === 'end';
  }

  /** DLE EOT n: bits 1 and 4 are always set. */
  #status(n: number): number {
    const { paper, coverOpen } = this.condition;
    switch (n) {
      case 1:
        return 0x12 | (this.#stuck() ? 0x08 : 0);
      case 2:
        return 0x12 | (coverOpen ? 0x04 : 0) | (paper === 'end' ? 0x20 : 0);
      case 4:
        return 0x12 | (paper === 'low' ? 0x0c : 0) | (paper === 'end' ? 0x6c : 0);
      default:
        return 0x12;
    }
  }
  /** GS r 1: bits 0 and 1 near the end, 2 and 3 at it. */
  #paperSensor(): number {
    const { paper } = this.condition;
    return paper === 'end' ? 0x0f : paper === 'low' ? 0x03 : 0x00;
  }
  /** GS a: four bytes, the first with bit 4 set. */
  #automatic(): Uint8Array {
    const { coverOpen } = this.condition;
    return Uint8Array.of(
      0x10 | (this.#stuck() ? 0x08 : 0) | (coverOpen ? 0x20 : 0),
      0x00,
      this.#paperSensor(),
      0x0f,
    );
  }

  #serve(socket: Socket): void {
    const job: Job = {
      socket,
      buffer: Buffer.alloc(0),
      pen: { center: false, double: false, text: [], qr: new QrStore() },
    };
    this.#jobs.push(job);
    if (this.condition.automaticStatus) socket.write(this.#automatic());
    socket.on('data', (chunk) => {
      job.buffer = Buffer.concat([job.buffer, this.#realTime(chunk, socket)]);
      this.#pump();
    });
  }

  /** Answers DLE EOT out of its turn, and hands on the rest. */
  #realTime(chunk: Buffer, socket: Socket): Buffer {
    const rest: number[] = [];
    for (let at = 0; at < chunk.length; at++) {
      if (chunk[at] === 0x10 && chunk[at + 1] === 0x04 && at + 2 < chunk.length) {
        if (this.condition.automaticStatus && this.#stuck()) socket.write(this.#automatic());
        socket.write(Uint8Array.of(this.#status(chunk[at + 2] as number)));
        at += 2;
      } else rest.push(chunk[at] as number);
    }
    return Buffer.from(rest);
  }

  /** Prints what it can; without paper it waits. */
  #pump(): void {
    for (const job of this.#jobs) {
      while (job.buffer.length > 0) {
        if (this.#stuck()) return;
        const used = this.#one(job);
        if (used === 0) break;
        job.buffer = job.buffer.subarray(used);
      }
      if (job.socket.destroyed && job.buffer.length === 0)
        this.#jobs.splice(this.#jobs.indexOf(job), 1);
    }
  }

  /** A row is on the paper. */
  #row(line: PrintedLine): void {
    this.#lines.push(line);
    const { condition } = this;
    if (condition.rowsLeft === null) return;
    condition.rowsLeft -= 1;
    if (condition.rowsLeft > 0) return;
    condition.rowsLeft = null;
    condition.paper = 'end';
  }

  /** Carries out one command or character; 0: more bytes are needed. */
  #one({ buffer: b, pen, socket }: Job): number {
    if (b.length === 0) return 0;
    const [c0 = 0, c1, c2, c3] = b;
    const need = (n: number): boolean => b.length >= n;
    switch (c0) {
      case 0x0a: {
        const text = new TextDecoder('gb18030').decode(Uint8Array.from(pen.text));
        pen.text = [];
        this.#row({ kind: 'text', text, center: pen.center, double: pen.double });
        return 1;
      }
      case 0x1b:
        if (!need(2)) return 0;
        if (c1 === 0x40) return 2;
        if (!need(3)) return 0;
        if (c1 === 0x61) pen.center = c2 === 1;
        else if (c1 !== 0x64 && c1 !== 0x4a) this.unknown.push(b.toString('hex', 0, 3));
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
        if (c1 === 0x72) {
          // GS r, in its turn: what stood before it is printed.
          if (c2 === 1 && !socket.destroyed) socket.write(Uint8Array.of(this.#paperSensor()));
          return 3;
        }
        if (c1 === 0x61) {
          this.condition.automaticStatus = c2 !== 0;
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
          this.#symbol(pen.qr, b.subarray(5, 5 + length));
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
        // The second byte of a Chinese character may look like anything.
        if (c0 < 0x81) return 1;
        if (c1 === undefined) {
          pen.text.pop();
          return 0;
        }
        pen.text.push(c1);
        return 2;
    }
  }

  /** GS ( k. A symbol that the paper is too narrow for is not printed, as with real ones. */
  #symbol(store: QrStore, data: Buffer): void {
    const printed = store.take(data);
    if (printed === 'unknown') this.unknown.push(`1d286b ${data.toString('hex', 0, 4)}`);
    else if (printed !== null && printed.widthDots > WIDTH)
      this.unknown.push(`a code of ${printed.widthDots} dots`);
    else if (printed !== null) this.#row({ kind: 'qr', text: printed.text });
  }

  #cut(): void {
    this.#count += 1;
    const slip = { number: this.#count, lines: this.#lines };
    this.#lines = [];
    this.slips.push(slip);
    if (this.slips.length > 50) this.slips.shift();
    this.#onSlip(slip);
  }
}

/** Dots of a column: 384 dots on 58 mm paper, 32 columns. */
const DOTS = 12;
const WIDTH = 384;

/** Where each character of a row begins: its width is in its code, one byte or two. */
function places(line: Extract<PrintedLine, { kind: 'text' }>): { char: string; at: number }[] {
  const column = line.double ? 2 * DOTS : DOTS;
  let at = 0;
  const found = [...line.text].map((char) => {
    const here = { char, at };
    at += column * ((char.codePointAt(0) as number) < 0x80 ? 1 : 2);
    return here;
  });
  const left = line.center ? Math.max(0, (WIDTH - at) / 2) : 0;
  return found.map((one) => ({ ...one, at: one.at + left }));
}

/** The slip as a picture (SVG): black on paper, each character where the printer puts it. */
export function slipSvg(slip: PrintedSlip): string {
  const margin = 14;
  let y = 12;
  const parts: string[] = [];
  const escape = (s: string): string =>
    s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/ /g, '\u00A0');
  for (const line of slip.lines) {
    if (line.kind === 'qr') {
      parts.push(
        `<text x="${WIDTH / 2 + margin}" y="${y + 18}" text-anchor="middle" font-size="14" data-qr="${escape(line.text)}">[二维码] ${escape(line.text.slice(0, 40))}</text>`,
      );
      y += 30;
      continue;
    }
    const size = line.double ? 46 : 23;
    y += size;
    const all = places(line);
    if (all.length > 0)
      parts.push(
        `<text x="${all.map((one) => one.at + margin).join(' ')}" y="${y}" font-size="${size}">${escape(all.map((one) => one.char).join(''))}</text>`,
      );
    y += line.double ? 8 : 7;
  }
  const width = WIDTH + 2 * margin;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 16}" viewBox="0 0 ${width} ${y + 16}"><rect width="100%" height="100%" fill="#fffdf6"/><g fill="#1a1a1a" font-family="'Noto Sans Mono CJK SC','Noto Sans CJK SC',monospace">${parts.join('')}</g></svg>`;
}
