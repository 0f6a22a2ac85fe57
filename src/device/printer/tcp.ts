import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { STATUS_REQUESTS, encodeSlip, judgeStatus } from './escpos.ts';
import type { Printer, PrinterStatus, SlipLine } from './types.ts';

/** A status answer takes milliseconds; printing a slip a few seconds. */
const STATUS_MS = 1_500;
const PRINT_MS = 8_000;

/**
 * An ESC/POS printer behind a TCP port (the simulated one; network printers speak the same). One
 * exchange at a time.
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
    this.#inTurn(() => this.#exchange(null, STATUS_MS));

  readonly print = async (slip: readonly SlipLine[]): Promise<Result<void, Failure>> => {
    const status = await this.#inTurn(() => this.#exchange(encodeSlip(slip), PRINT_MS));
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

  /** Sends the data, if any, then asks for the status: the answer comes after the data was taken. */
  #exchange(data: Uint8Array | null, timeoutMs: number): Promise<PrinterStatus> {
    return new Promise((resolve) => {
      const answer: number[] = [];
      let socket: Socket | null = null;
      let over = false;
      const end = (status: PrinterStatus): void => {
        if (over) return;
        over = true;
        cancel();
        socket?.destroy();
        resolve(status);
      };
      const down = (detail: string, cause?: unknown): void =>
        end({ ready: false, paperLow: false, failure: failure('DEV-0101', detail, cause) });
      const cancel = this.#clock.after(timeoutMs, () => down('no answer in time'));
      socket = connect({ host: this.#host, port: this.#port, noDelay: true });
      socket.on('error', (cause) => down('not reachable', cause));
      socket.on('close', () => down('closed the connection'));
      socket.on('data', (chunk: Buffer) => {
        answer.push(...chunk);
        if (answer.length >= STATUS_REQUESTS.length) end(judgeStatus(answer));
      });
      socket.on('connect', () => {
        if (data !== null) socket?.write(data);
        for (const request of STATUS_REQUESTS) socket?.write(request);
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
