import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import {
  AnswerReader,
  PRINTED_REQUEST,
  STATUS_REQUESTS,
  encodeSlip,
  judgeStatus,
} from './escpos.ts';
import type { Printer, PrinterStatus, SlipLine } from './types.ts';

/** A status answer takes milliseconds; printing a slip a few seconds. */
const STATUS_MS = 1_500;
const PRINT_MS = 12_000;
/** While a slip is printed the printer is asked again and again whether it still can. */
const POLL_MS = 500;

/** One connection: the questions of its status in turn, and what comes unasked in between. */
class Line {
  readonly #socket: Socket;
  readonly #answers = new AnswerReader();
  #status: number[] = [];
  #onStatus: (status: PrinterStatus) => void = () => undefined;
  /** What was written in front of PRINTED_REQUEST is on the paper. */
  onPrinted: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      for (const answer of this.#answers.push(chunk)) {
        if (answer.kind === 'in-order') this.onPrinted();
        if (answer.kind === 'real-time') this.#status.push(answer.byte);
        if (this.#status.length < STATUS_REQUESTS.length) continue;
        const whole = this.#status;
        this.#status = [];
        this.#onStatus(judgeStatus(whole));
      }
    });
  }

  ask(then: (status: PrinterStatus) => void): void {
    this.#onStatus = then;
    for (const request of STATUS_REQUESTS) this.#socket.write(request);
  }
  write(data: Uint8Array): void {
    this.#socket.write(data);
  }
}

const down = (detail: string, cause?: unknown): PrinterStatus => ({
  ready: false,
  paperLow: false,
  failure: failure('DEV-0101', detail, cause),
});

/**
 * An ESC/POS printer behind a TCP port (the simulated one; network printers speak the same). One
 * exchange at a time, each on a connection of its own.
 */
export class TcpPrinter implements Printer {
  readonly #host: string;
  readonly #port: number;
  readonly #clock: Clock;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(host: string, port: number, clock: Clock) {
    this.#host = host;
    this.#port = port;
    this.#clock = clock;
  }

  readonly status = (): Promise<PrinterStatus> =>
    this.#inTurn(() => this.#connected(STATUS_MS, (line, end) => line.ask(end)));

  readonly print = async (slip: readonly SlipLine[]): Promise<Result<void, Failure>> => {
    const status = await this.#inTurn(() =>
      this.#connected(PRINT_MS, (line, end) => this.#printOn(line, encodeSlip(slip), end)),
    );
    return status.ready ? ok(undefined) : err(status.failure ?? failure('DEV-0101'));
  };

  close(): void {
    // each exchange closes its own connection
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(work, work);
    this.#turn = next.catch(() => undefined);
    return next;
  }

  /**
   * Printed is what the printer says behind the data. One that is not well beforehand gets no data:
   * it would keep them, and print the slip before the next customer. Paper that ends meanwhile is
   * seen by the real-time status, which overtakes.
   *
   * @returns how to stop asking
   */
  #printOn(line: Line, data: Uint8Array, end: (status: PrinterStatus) => void): () => void {
    let cancel = (): void => undefined;
    const meanwhile = (): void => {
      cancel = this.#clock.after(POLL_MS, () =>
        line.ask((status) => {
          if (status.ready) meanwhile();
          else end(down(`${status.failure?.detail ?? 'not ready'}, in the middle of a slip`));
        }),
      );
    };
    line.ask((before) => {
      if (!before.ready) return end(before);
      line.onPrinted = () => end(before);
      line.write(data);
      line.write(PRINTED_REQUEST);
      meanwhile();
    });
    return () => cancel();
  }

  #connected(
    timeoutMs: number,
    work: (line: Line, end: (status: PrinterStatus) => void) => (() => void) | void,
  ): Promise<PrinterStatus> {
    return new Promise((resolve) => {
      let stop: (() => void) | void;
      let over = false;
      const end = (status: PrinterStatus): void => {
        if (over) return;
        over = true;
        cancel();
        stop?.();
        socket.destroy();
        resolve(status);
      };
      const cancel = this.#clock.after(timeoutMs, () => end(down('no answer in time')));
      const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
      socket.on('error', (cause) => end(down('not reachable', cause)));
      socket.on('close', () => end(down('closed the connection')));
      socket.on('connect', () => {
        stop = work(new Line(socket), end);
      });
    });
  }
}

/** No printer: the screen shows what to keep. */
export const NO_PRINTER: Printer = {
  status: () =>
    Promise.resolve({
      ready: false,
      paperLow: false,
      failure: failure('DEV-0101', 'no printer configured'),
    }),
  print: () => Promise.resolve(err(failure('DEV-0101', 'no printer configured'))),
  close: () => undefined,
};
