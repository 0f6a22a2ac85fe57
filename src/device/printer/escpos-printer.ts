import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { sleep } from '../../shared/ports.ts';
import type { Clock } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { CLEAR_REQUEST, PAPER_SENSOR_REQUEST, processIdRequest, troubled } from './answers.ts';
import type { PrinterAnswer } from './answers.ts';
import { encodeParting, encodeSlip } from './escpos.ts';
import type { PaperKind } from './escpos.ts';
import type { PrinterLine, PrinterPort } from './line.ts';
import type { PrinterModel } from './models.ts';
import { ANSWER_MS, Talk } from './talk.ts';
import type { Printer, PrinterStatus, SlipLine } from './types.ts';

/** Ends a slip that is about no order, as one that has a number ends. */
const NO_NUMBER = '完';
/** Until a port is open: a network printer that is off does not refuse, it is silent. */
const OPEN_MS = 3_000;
/** A slip takes some seconds, at 9,600 baud some more. */
const PRINT_MS = 15_000;
/** While a slip is printed the printer is asked again and again whether it still can. */
const POLL_MS = 500;
/**
 * A printer that cannot say which slip it has printed may still answer for the last one: its line
 * is believed once it was quiet for so long behind the parting.
 */
const QUIET_MS = 1_500;
/** More answers than any printer owes: what comes then is none, and no word of it is believed. */
const MOST_OWED = 8;

/**
 * What may be in the printer of an earlier slip. `unknown`: this process has sent none yet, and a
 * process before may have been cut in one.
 */
type Rest = 'none' | 'unknown' | 'some';

/**
 * What is known across processes: whether a slip was begun that nobody saw the end of. Left out:
 * nothing is.
 */
export interface SlipTrace {
  readonly begun: () => boolean;
  readonly note: (begun: boolean) => void;
}

export interface EscposOptions {
  readonly port: PrinterPort;
  readonly model: PrinterModel;
  readonly paper: PaperKind;
  readonly clock: Clock;
  readonly trace?: SlipTrace;
}

/**
 * An ESC/POS printer, on whatever line (docs/decisions/0051). Printed is what the printer says
 * behind the data; paper that ends meanwhile is seen by the real-time status, which overtakes. A
 * slip that nobody saw the end of is forgotten where the printer can forget, and made void on the
 * paper where it cannot, before another one is printed; until that is done the printer is not
 * ready.
 */
export class EscposPrinter implements Printer {
  readonly #o: EscposOptions;
  #kept: PrinterLine | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #rest: Rest;
  #ids = 0;
  #closed = false;
  readonly #listeners = new Set<(status: PrinterStatus) => void>();

  constructor(options: EscposOptions) {
    this.#o = options;
    this.#rest = options.trace?.begun() === true ? 'some' : 'unknown';
  }

  readonly status = (): Promise<PrinterStatus> =>
    this.#inTurn(
      async (talk) => {
        const status = await talk.status();
        // What an earlier slip left is settled when the roll is changed, and not before the next
        // customer. Whoever never printed here (doctor, beside a running kiosk) lets it be.
        return status.ready && this.#rest === 'some' ? this.#part(talk, status) : status;
      },
      (why) => why,
    );

  readonly print = (slip: readonly SlipLine[], number?: string): Promise<Result<void, Failure>> =>
    this.#inTurn<Result<void, Failure>>(
      (talk) => this.#printOn(talk, slip, number),
      (why) => this.#failed(why, 'DEV-0101'),
    );

  readonly onStatus = (listener: (status: PrinterStatus) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  readonly close = async (): Promise<void> => {
    this.#closed = true;
    await this.#turn;
    await this.#drop();
  };

  async #printOn(
    talk: Talk,
    slip: readonly SlipLine[],
    number: string | undefined,
  ): Promise<Result<void, Failure>> {
    const { model, paper } = this.#o;
    const asked = await talk.status();
    const before = asked.ready && this.#rest !== 'none' ? await this.#part(talk, asked) : asked;
    // One that is not well gets no data: it would keep them, and print the slip before the next
    // customer.
    if (!before.ready) return this.#failed(before, 'DEV-0101');
    this.#leaves('some');
    const unseen = await this.#through(
      talk,
      encodeSlip(slip, model, paper, model.clears ? undefined : (number ?? NO_NUMBER)),
    );
    if (unseen === null) {
      this.#leaves('none');
      return ok(undefined);
    }
    // At once, while the line is there: what it holds is not to come out with the next roll.
    if (model.clears) await this.#clear(talk);
    return this.#failed(unseen, 'DEV-0102');
  }

  #failed(why: PrinterStatus, code: 'DEV-0101' | 'DEV-0102'): Result<void, Failure> {
    for (const listener of this.#listeners) listener(why);
    return err(failure(code, why.failure?.detail, why.failure?.cause));
  }

  /** Sends data; null once the printer says that they are printed, else why that was not seen. */
  async #through(talk: Talk, data: Uint8Array): Promise<PrinterStatus | null> {
    const request = this.#request();
    const end: { printed: boolean | null } = { printed: null };
    const done = talk.next(request.is, PRINT_MS).then((answer) => {
      end.printed = answer !== null;
    });
    talk.write(data);
    talk.write(request.bytes);
    for (;;) {
      await Promise.race([done, sleep(this.#o.clock, POLL_MS)]);
      if (end.printed === false)
        return talk.ended ? talk.status() : troubled('silent', 'not printed in time');
      // A busy printer may say nothing; one that says why it stands still has stopped.
      const status = end.printed === null ? await talk.status() : null;
      if (end.printed === true) return null;
      if (status !== null && !status.ready && status.trouble !== 'silent') return status;
    }
  }

  #request(): { readonly bytes: Uint8Array; readonly is: (a: PrinterAnswer) => boolean } {
    if (this.#o.model.confirm === 'paper-sensor')
      return { bytes: PAPER_SENSOR_REQUEST, is: (a) => a.kind === 'in-order' };
    // Its own number each: the answer for an earlier slip is none for this one.
    this.#ids = (this.#ids + 1) % 10_000;
    const id = String(this.#ids).padStart(4, '0');
    return { bytes: processIdRequest(id), is: (a) => a.kind === 'process' && a.id === id };
  }

  /** Settles what an earlier slip may have left, and says how the printer stands then. */
  async #part(talk: Talk, status: PrinterStatus): Promise<PrinterStatus> {
    const { model, paper } = this.#o;
    if (model.clears && !(await this.#clear(talk))) return troubled('held');
    const unseen = await this.#through(talk, encodeParting(model, paper, this.#rest === 'some'));
    if (unseen !== null) return unseen;
    if (model.confirm === 'paper-sensor')
      if (!(await isQuiet(talk))) return troubled('error', 'it speaks without being asked');
    this.#leaves('none');
    return status;
  }

  /** Known to the next process, before a byte is sent. */
  #leaves(rest: 'none' | 'some'): void {
    this.#rest = rest;
    this.#o.trace?.note(rest === 'some');
  }

  /** Whether it says that it has forgotten all it was sent. */
  async #clear(talk: Talk): Promise<boolean> {
    const cleared = talk.next((a) => a.kind === 'cleared', ANSWER_MS);
    talk.write(CLEAR_REQUEST);
    return (await cleared) !== null;
  }

  /** One conversation after the other; a port that cannot be opened is a status. */
  #inTurn<T>(work: (talk: Talk) => Promise<T>, otherwise: (why: PrinterStatus) => T): Promise<T> {
    const next = this.#turn.then(async () => {
      const line = await this.#open();
      if ('trouble' in line) return otherwise(line);
      const talk = new Talk(line, this.#o.clock);
      try {
        return await work(talk);
      } finally {
        // One on which an answer is owed is opened anew: it would be taken for the next question's.
        const stale = talk.stale;
        talk.end();
        if (stale) this.#kept = null;
        if (stale || !this.#o.port.keeps) await line.close();
      }
    });
    this.#turn = next.catch(() => undefined);
    return next;
  }

  async #open(): Promise<PrinterLine | PrinterStatus> {
    if (this.#closed) return troubled('unreachable', 'closed');
    if (this.#kept !== null) return this.#kept;
    const opening = this.#o.port.open();
    try {
      const line = await Promise.race([opening, sleep(this.#o.clock, OPEN_MS)]);
      if (line === undefined) {
        // It may come up later, and is nobody's then.
        void opening.then((late) => late.close()).catch(() => undefined);
        return troubled('unreachable', 'no connection in time');
      }
      if (this.#o.port.keeps) this.#kept = line;
      return line;
    } catch (cause) {
      return troubled('unreachable', cause instanceof Error ? cause.message : undefined, cause);
    }
  }

  async #drop(): Promise<void> {
    const line = this.#kept;
    this.#kept = null;
    await line?.close();
  }
}

/** It has answered for all that it was asked before. */
async function isQuiet(talk: Talk): Promise<boolean> {
  for (let owed = 0; owed < MOST_OWED; owed++)
    if ((await talk.next((a) => a.kind === 'in-order', QUIET_MS)) === null) return true;
  return false;
}

/** No printer: the screen shows what to keep. */
export const NO_PRINTER: Printer = {
  status: () => Promise.resolve(troubled('none-fitted')),
  print: () => Promise.resolve(err(failure('DEV-0101', 'no printer configured'))),
  onStatus: () => () => undefined,
  close: () => Promise.resolve(),
};
