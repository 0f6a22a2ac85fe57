import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'uqr';
import { EscposPrinter } from '../../src/device/printer/escpos-printer.ts';
import { openPrinterFile } from '../../src/device/printer/file-line.ts';
import type { PrinterLine, PrinterPort } from '../../src/device/printer/line.ts';
import { PRINTER_MODELS } from '../../src/device/printer/models.ts';
import type { PrinterModelName } from '../../src/device/printer/models.ts';
import { openSerialPrinter } from '../../src/device/printer/serial-line.ts';
import { openTcpPrinter } from '../../src/device/printer/tcp-line.ts';
import type { Clock } from '../../src/shared/ports.ts';
import { inProcessPort } from '../../src/simulator/printer/port.ts';
import type { PrintedLine } from '../../src/simulator/printer/printer.ts';
import { SimulatedPrinter } from '../../src/simulator/printer/printer.ts';
import { systemClock } from './clock.ts';
import { until } from './hall.ts';

/** A simulated printer of a model, and the driver on a line of that kind to it. */
export interface PrinterEnds {
  readonly paper: SimulatedPrinter;
  readonly printer: EscposPrinter;
  /** The cable is pulled, and put in again. */
  readonly unplug: () => Promise<void>;
  readonly plug: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export const simulated = (model: PrinterModelName): SimulatedPrinter =>
  new SimulatedPrinter(PRINTER_MODELS[model]);

/** The driver of a model. */
export const driver = (
  port: PrinterPort,
  model: PrinterModelName,
  clock: Clock = systemClock,
  marked = false,
): EscposPrinter =>
  new EscposPrinter({ port, model: PRINTER_MODELS[model], paper: { marked }, clock });

/**
 * The lines with each picture that is a code of one of these texts, module by module and with its
 * quiet zone, told as that code; any other picture stays one.
 */
export function withCodes(
  lines: readonly PrintedLine[],
  texts: readonly string[],
): readonly PrintedLine[] {
  return lines.map((line) => {
    if (line.kind !== 'picture') return line;
    const text = texts.find((one) => {
      const { data, size } = encode(one, { ecc: 'M', border: 4 });
      const dots = Math.floor(line.rows.length / size);
      const black = (x: number, y: number): boolean =>
        ((line.rows[y]?.[x >> 3] ?? 0) & (0x80 >> (x & 7))) !== 0;
      return (
        dots > 0 &&
        line.rows.length === size * dots &&
        line.rows.every((_, y) =>
          Array.from({ length: line.width }, (__, x) => x).every(
            (x) => black(x, y) === (data[Math.floor(y / dots)]?.[Math.floor(x / dots)] ?? false),
          ),
        )
      );
    });
    return text === undefined ? line : { kind: 'qr', text };
  });
}

/** Without any line between them: answers come at once. */
export const directPort = (paper: SimulatedPrinter): PrinterPort => inProcessPort(paper);

/** Over TCP. */
export async function tcpEnds(model: PrinterModelName): Promise<PrinterEnds> {
  const paper = simulated(model);
  const port = await paper.start(0);
  const printer = driver({ open: () => openTcpPrinter('127.0.0.1', port), keeps: false }, model);
  return {
    paper,
    printer,
    unplug: () => {
      paper.condition.off = true;
      paper.dropLines();
      return Promise.resolve();
    },
    plug: () => {
      paper.condition.off = false;
      return Promise.resolve();
    },
    close: async () => {
      await printer.close();
      await paper.close();
    },
  };
}

/** Over a pseudo-terminal: as a serial port, or as the character device that usblp makes. */
export async function ptyEnds(
  model: PrinterModelName,
  as: 'serial' | 'file',
): Promise<PrinterEnds> {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-printer-'));
  const [kiosk, device] = [join(folder, 'lp0'), join(folder, 'device')];
  const paper = simulated(model);
  let socat: ChildProcess | null = null;
  let far: PrinterLine | null = null;
  let pulled: Promise<void> = Promise.resolve();
  const pull = async (was: ChildProcess): Promise<void> => {
    await far?.close();
    const ended = new Promise((done) => void was.once('exit', done));
    was.kill();
    await ended;
    rmSync(kiosk, { force: true });
    rmSync(device, { force: true });
  };
  const unplug = (): Promise<void> => {
    const was = socat;
    socat = null;
    if (was !== null) pulled = pull(was);
    return pulled;
  };
  const plug = async (): Promise<void> => {
    socat = spawn('socat', [`pty,raw,echo=0,link=${kiosk}`, `pty,raw,echo=0,link=${device}`], {
      stdio: 'ignore',
    });
    await until('the pty', () => existsSync(kiosk) && existsSync(device));
    const line = await openSerialPrinter(device, { baudRate: 115_200, flow: 'none' }, systemClock);
    far = line;
    const end = paper.plug(line.write, () => void unplug());
    line.onData(end.receive);
    line.onClose(end.gone);
  };
  await plug();
  const port: PrinterPort =
    as === 'file'
      ? { open: () => openPrinterFile(kiosk, systemClock), keeps: false }
      : {
          open: () => openSerialPrinter(kiosk, { baudRate: 115_200, flow: 'dtr' }, systemClock),
          keeps: true,
        };
  const printer = driver(port, model);
  return {
    paper,
    printer,
    unplug,
    plug,
    close: async () => {
      await printer.close();
      await unplug();
      await paper.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
