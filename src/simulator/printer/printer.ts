import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { Interpreter } from './interpreter.ts';
import type { PrintedLine, PrintedSlip } from './paper.ts';

export { slipSvg } from './paper.ts';
export type { PrintedLine, PrintedSlip } from './paper.ts';

/** Paper and mechanics, as the status bytes tell them. */
export interface PrinterCondition {
  paper: 'ok' | 'low' | 'end';
  coverOpen: boolean;
  /** At the next cut the cutter jams; until this is taken back. */
  cutterJam: boolean;
  /** The head is too hot; until this is taken back. */
  overheated: boolean;
  /** Takes no connection at all. */
  off: boolean;
  /** Takes what it is sent and says nothing. */
  mute: boolean;
  /** Rows until the paper ends by itself; null: plenty. */
  rowsLeft: number | null;
  /** Automatic status is on (GS a): four bytes at every change, and when somebody connects. */
  automaticStatus: boolean;
}

/** What differs between the simulated models. */
export interface SimulatedModel {
  readonly dots: number;
  /** Knows DLE DC4 8. */
  readonly clears: boolean;
}
const PLAIN: SimulatedModel = { dots: 384, clears: false };

/** One end of a line to it: what it says goes to whoever was connected last. */
export interface PrinterPlug {
  readonly receive: (chunk: Uint8Array) => void;
  readonly gone: () => void;
}

const [DLE, EOT, DC4] = [0x10, 0x04, 0x14];
const CLEAR = Buffer.from([DLE, DC4, 8, 1, 3, 20, 1, 6, 2, 8]);
const MOST_SLIPS = 200;

/** Its condition as somebody sets it; paper put in and a cover closed are noticed at once. */
function condition(changed: (newRoll: boolean) => void): PrinterCondition {
  const c: PrinterCondition = {
    paper: 'ok',
    coverOpen: false,
    cutterJam: false,
    overheated: false,
    off: false,
    mute: false,
    rowsLeft: null,
    automaticStatus: false,
  };
  return new Proxy(c, {
    set: (target, key, value) => {
      const newRoll = key === 'paper' && target.paper === 'end' && value !== 'end';
      const ok = Reflect.set(target, key, value);
      changed(newRoll);
      return ok;
    },
  });
}

/**
 * An ESC/POS receipt printer, on a TCP port or on any other line (`plug`): it understands what real
 * ones do and keeps each cut slip. As real ones do, it answers DLE EOT the moment it comes in,
 * before what stands in front of it is printed, and GS r and GS ( H only in their turn; what it
 * cannot print it holds, whoever sent it and whether he is still there, and goes on when a roll is
 * in.
 */
export class SimulatedPrinter {
  readonly slips: PrintedSlip[] = [];
  /** What somebody tears off who puts in a new roll. */
  readonly scraps: (readonly PrintedLine[])[] = [];
  readonly condition: PrinterCondition = condition((newRoll) => this.#changed(newRoll));
  /** Bytes that it did not understand; a test wants none. */
  readonly unknown: string[] = [];
  readonly #model: SimulatedModel;
  readonly #interpreter: Interpreter;
  #server: Server | null = null;
  readonly #drops = new Set<() => void>();
  #say: (bytes: Uint8Array) => void = () => undefined;
  #buffer: Buffer = Buffer.alloc(0);
  /** The beginning of a real-time command. */
  #half: number[] = [];
  #lines: PrintedLine[] = [];
  #jammed = false;
  #pumping = false;
  #count = 0;
  /** Bytes until the line breaks; null: it does not. */
  #cutAfter: number | null = null;
  #onSlip: (slip: PrintedSlip) => void = () => undefined;

  constructor(model: SimulatedModel = PLAIN) {
    this.#model = model;
    this.#interpreter = new Interpreter(
      {
        row: (line) => this.#row(line),
        cut: () => this.#cut(),
        present: (way) => this.#present(way),
        answer: (bytes) => this.#tell(bytes),
        paperSensor: () => this.#paperSensor(),
        automaticStatus: (on) => {
          this.condition.automaticStatus = on;
        },
        unknown: (what) => void this.unknown.push(what),
      },
      model.dots,
    );
  }

  onSlip(listener: (slip: PrintedSlip) => void): void {
    this.#onSlip = listener;
  }

  /** After so many more bytes of data the line breaks, with what came before in the buffer. */
  cutAfter(bytes: number | null): void {
    this.#cutAfter = bytes;
  }

  /** On a TCP port. @param port 0: any free one */
  start(port: number, host = '127.0.0.1'): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        if (this.condition.off) {
          socket.destroy();
          return;
        }
        socket.on('error', () => socket.destroy());
        const plug = this.plug(
          (bytes) => void (socket.destroyed || socket.write(bytes)),
          () => socket.destroy(),
        );
        socket.on('data', plug.receive);
        socket.on('close', plug.gone);
      });
      server.once('error', reject);
      server.listen(port, host, () => {
        this.#server = server;
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /**
   * Somebody connects.
   *
   * @param say to him
   * @param drop breaks his line
   */
  plug(say: (bytes: Uint8Array) => void, drop: () => void): PrinterPlug {
    this.#say = say;
    // What is still in a cable that was pulled does not arrive, however long its end takes.
    let there = true;
    const pull = (): void => {
      there = false;
      drop();
    };
    this.#drops.add(pull);
    if (this.condition.automaticStatus) this.#tell(this.#automatic());
    return {
      receive: (chunk) => {
        if (there) this.#receive(Buffer.from(chunk), pull);
      },
      gone: () => {
        this.#drops.delete(pull);
        if (this.#say === say) this.#say = () => undefined;
      },
    };
  }

  close(): Promise<void> {
    this.powerOff();
    return new Promise((resolve) => {
      if (this.#server === null) resolve();
      else this.#server.close(() => resolve());
    });
  }

  /** What it holds is gone, as when somebody switches it off; what is on the paper stays there. */
  powerOff(): void {
    this.#forget();
    this.#jammed = false;
    this.dropLines();
  }

  /** Its cable is pulled: what it holds stays. */
  dropLines(): void {
    for (const drop of this.#drops) drop();
  }

  #forget(): void {
    this.#buffer = Buffer.alloc(0);
    this.#half = [];
    this.#interpreter.reset();
  }

  #changed(newRoll: boolean): void {
    if (newRoll && this.#lines.length > 0) {
      this.scraps.push(this.#lines);
      this.#lines = [];
    }
    if (this.#jammed && !this.condition.cutterJam) {
      this.#jammed = false;
      this.#cutOff();
    }
    this.#pump();
  }

  #tell(bytes: Uint8Array): void {
    if (!this.condition.mute) this.#say(bytes);
  }

  #stuck(): boolean {
    const { coverOpen, paper, overheated } = this.condition;
    return coverOpen || overheated || this.#jammed || paper === 'end';
  }

  /** DLE EOT n: bits 1 and 4 are always set. */
  #status(n: number): number {
    const { paper, coverOpen, overheated } = this.condition;
    const bad = this.#jammed || overheated;
    switch (n) {
      case 1:
        return 0x12 | (this.#stuck() ? 0x08 : 0);
      case 2:
        return 0x12 | (coverOpen ? 0x04 : 0) | (paper === 'end' ? 0x20 : 0) | (bad ? 0x40 : 0);
      case 3:
        return 0x12 | (this.#jammed ? 0x08 : 0) | (overheated ? 0x40 : 0);
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

  #receive(chunk: Buffer, drop: () => void): void {
    let data: number[] = [];
    for (const byte of chunk) {
      const held = this.#byte(byte);
      if (held === 'cleared') data = [];
      else data.push(...held);
      if (this.#cutAfter === null || held === 'cleared') continue;
      this.#cutAfter -= held.length;
      if (this.#cutAfter > 0) continue;
      this.#cutAfter = null;
      this.#take(data);
      drop();
      return;
    }
    this.#take(data);
  }

  #take(data: readonly number[]): void {
    this.#buffer = Buffer.concat([this.#buffer, Uint8Array.from(data)]);
    this.#pump();
  }

  /** Real-time commands are carried out as they come. @returns what goes to the buffer */
  #byte(byte: number): readonly number[] | 'cleared' {
    const half = [...this.#half, byte];
    this.#half = [];
    if (half.length === 3 && half[0] === DLE && half[1] === EOT) {
      if (this.condition.automaticStatus && this.#stuck()) this.#tell(this.#automatic());
      this.#tell(Uint8Array.of(this.#status(byte)));
      return [];
    }
    if (this.#model.clears && CLEAR.equals(Buffer.from(half))) {
      this.#forget();
      this.#tell(Uint8Array.of(0x37, 0x25, 0x00));
      return 'cleared';
    }
    const begins =
      (half.length < 3 && half[0] === DLE && (half[1] ?? EOT) === EOT) ||
      (this.#model.clears && CLEAR.subarray(0, half.length).equals(Buffer.from(half)));
    if (!begins) return half;
    this.#half = half;
    return [];
  }

  /** Prints what it can; without paper it waits. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#buffer.length > 0 && !this.#stuck()) {
      const used = this.#interpreter.one(this.#buffer);
      if (used === 0) break;
      this.#buffer = this.#buffer.subarray(used);
    }
    this.#pumping = false;
  }

  /** A row is on the paper; pictures of one width follow one another without a gap. */
  #row(line: PrintedLine): void {
    const before = this.#lines.at(-1);
    if (
      line.kind === 'picture' &&
      before?.kind === 'picture' &&
      before.width === line.width &&
      before.center === line.center
    )
      this.#lines[this.#lines.length - 1] = { ...line, rows: [...before.rows, ...line.rows] };
    else this.#lines.push(line);
    const { condition } = this;
    if (condition.rowsLeft === null) return;
    condition.rowsLeft -= 1;
    if (condition.rowsLeft > 0) return;
    condition.rowsLeft = null;
    condition.paper = 'end';
  }

  #cut(): void {
    if (this.condition.cutterJam) this.#jammed = true;
    else this.#cutOff();
  }

  /** Blank paper that is cut off is no slip. */
  #cutOff(): void {
    if (this.#lines.length === 0) return;
    this.#count += 1;
    const { dots } = this.#model;
    const slip: PrintedSlip = { number: this.#count, lines: this.#lines, way: 'cut', dots };
    this.#lines = [];
    this.slips.push(slip);
    if (this.slips.length > MOST_SLIPS) this.slips.shift();
    this.#onSlip(slip);
  }

  #present(way: 'ejected' | 'retracted'): void {
    const last = this.slips.at(-1);
    if (last?.way === 'cut') this.slips[this.slips.length - 1] = { ...last, way };
  }
}
