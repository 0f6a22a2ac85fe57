import { EscposPrinter } from '../device/printer/escpos-printer.ts';
import { layOut } from '../device/printer/layout.ts';
import type { PrinterPort } from '../device/printer/line.ts';
import { PRINTER_MODELS } from '../device/printer/models.ts';
import type { Printer, SlipLine } from '../device/printer/types.ts';
import type { Clock } from '../shared/ports.ts';
import { inProcessPort } from '../simulator/printer/port.ts';
import { SimulatedPrinter } from '../simulator/printer/printer.ts';
import type { PrintedSlip } from '../simulator/printer/printer.ts';

/** An order's number as slips have it. */
const NUMBER = /\b\d{4} \d{4} \d{4}\b/g;
/** What stands under the last line of a slip that a printer cannot forget. */
const END = /^—— .+ ——$/;

const wordsOf = (lines: readonly { readonly kind: string; readonly text?: string }[]): string =>
  lines.map((l) => l.text ?? l.kind).join('\n');

/**
 * The printer of one machine: the paper outlives its processes, and each process has the real
 * driver on it. Half of the machines have a printer that can be made to forget a slip. It watches
 * that no slip of one order is handed to the next customer unsaid: a piece of paper is a whole
 * slip, or is said to be void, or bears its number at its end; and has no two orders on it.
 */
export class SitePrinter {
  readonly paper: SimulatedPrinter;
  readonly #model: (typeof PRINTER_MODELS)[keyof typeof PRINTER_MODELS];
  readonly #slips = new Set<string>();
  #begun = false;

  constructor(terminalId: string, problem: (text: string) => void) {
    this.#model = PRINTER_MODELS[/[02468]$/.test(terminalId) ? 'generic-58' : 'epson-tm-t88'];
    this.paper = new SimulatedPrinter(this.#model);
    this.paper.onSlip((slip) => {
      const wrong = this.#wrong(slip);
      if (wrong !== null) problem(`${terminalId}: paper ${slip.number} ${wrong}`);
      if (this.paper.unknown.length > 0)
        problem(`${terminalId}: the printer does not understand ${this.paper.unknown.join(', ')}`);
    });
  }

  /** The driver of one process. */
  driver(life: { readonly alive: boolean }, clock: Clock): Printer {
    const inner = inProcessPort(this.paper);
    const port: PrinterPort = {
      keeps: false,
      open: async () => {
        const line = await inner.open();
        return {
          ...line,
          write: (bytes) => {
            if (life.alive) line.write(bytes);
          },
          onData: (listener) => line.onData((bytes) => life.alive && listener(bytes)),
          onClose: (listener) => line.onClose((cause) => life.alive && listener(cause)),
        };
      },
    };
    const printer = new EscposPrinter({
      port,
      model: this.#model,
      paper: { marked: false },
      clock,
      trace: {
        begun: () => this.#begun,
        note: (begun) => {
          if (life.alive) this.#begun = begun;
        },
      },
    });
    return {
      ...printer,
      close: () => printer.close(),
      print: (slip, number) => {
        this.#note(slip, number);
        return printer.print(slip, number);
      },
    };
  }

  #note(slip: readonly SlipLine[], number: string | undefined): void {
    const end: SlipLine = { kind: 'text', text: `—— ${number ?? '完'} ——`, align: 'center' };
    const whole = this.#model.clears ? slip : [...slip, end];
    this.#slips.add(wordsOf(layOut(whole, this.#model)));
  }

  #wrong({ lines }: PrintedSlip): string | null {
    const words = wordsOf(lines);
    const numbers = new Set(words.match(NUMBER) ?? []);
    if (numbers.size > 1) return `has ${[...numbers].join(' and ')} on it`;
    const said =
      this.#slips.has(words) || words.includes('作废') || END.test(words.split('\n').at(-1) ?? '');
    return said ? null : `is a part of a slip, and does not say so: ${words}`;
  }
}
