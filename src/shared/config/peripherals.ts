import { z } from 'zod';
import { kindOf, path } from './base.ts';

/** Rates of serial printers and scanners. */
const baudRate = z
  .union([z.literal(9600), z.literal(19200), z.literal(38400), z.literal(57600), z.literal(115200)])
  .optional();

/** The receipt printer (docs/hardware.md). */
export const printerSchema = z
  .strictObject({
    kind: kindOf('printer kind', ['escpos', 'virtual', 'none']),
    /**
     * escpos: `tcp://HOST:9100`, `/dev/usb/lp0` (Linux, usblp), or a serial port, e.g. `/dev/ttyS0`
     * or `COM3`. virtual: `tcp://127.0.0.1:PORT` of the simulated printer.
     */
    path: path.optional(),
    /** Left out: generic-58. */
    model: kindOf('printer model', [
      'generic-58',
      'generic-80',
      'unicode-80',
      'epson-tm-t88',
      'snbc-bt-ur056',
      'snbc-bt-t080',
      'citizen-ct-s300',
      'custom-kpm',
    ]).optional(),
    /** Serial: bits per second. Left out: 9600. */
    baudRate,
    /** Serial: how it holds back (DTR/DSR, RTS/CTS, XON/XOFF). Left out: dtr. */
    flow: kindOf('flow control', ['dtr', 'rts', 'xon', 'none']).optional(),
    /** The roll has black marks, to which each slip is fed before it is cut. */
    markedPaper: z.boolean().optional(),
  })
  .refine((p) => p.kind !== 'escpos' || p.path !== undefined, 'escpos needs a path');

/** What a scanner was set up to put before a code: printable characters. */
const affix = z.string().regex(/^[!-~]{1,15}$/, 'one to fifteen printable characters');

/**
 * Reads the customer's payment code. `serial`: `path` is its port; `virtual`:
 * `tcp://127.0.0.1:PORT`; `keyboard`: it types, and the shell listens.
 */
export const scannerSchema = z
  .strictObject({
    kind: kindOf('scanner kind', ['serial', 'virtual', 'keyboard', 'none']),
    path: path.optional(),
    baudRate,
    /** serial: how it is told to look. Left out: it looks by itself. */
    model: kindOf('scanner model', ['plain', 'honeywell', 'datalogic', 'zkteco']).optional(),
    /**
     * serial: what stands before each code beside control characters and the symbology (`]Q1`),
     * which are known anyway. A code without it is dropped.
     */
    prefix: affix.optional(),
    /**
     * serial: what ends each code: the control character by its name, `none` (silence ends it), or
     * `text:` with printable characters. Left out: any of them.
     */
    suffix: z
      .union([
        z.enum(['CR', 'LF', 'CRLF', 'TAB', 'GS', 'ETX', 'none']),
        z.string().regex(/^text:[!-~]{1,15}$/, 'text: with one to fifteen printable characters'),
      ])
      .optional(),
  })
  .refine(
    (s) => s.path !== undefined || (s.kind !== 'serial' && s.kind !== 'virtual'),
    'serial and virtual need a path',
  )
  .refine(
    (s) => s.kind === 'serial' || s.kind === 'virtual' || (s.prefix ?? s.suffix) === undefined,
    'only a serial scanner has a prefix and a suffix',
  );
