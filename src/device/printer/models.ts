/**
 * What differs between receipt printers, one row for each model. A row holds what a public manual
 * says; what none was found for is left out, and the driver does without it.
 */
export interface PrinterModel {
  /** Across the paper: dots, and columns of font A (12 dots wide). */
  readonly dots: number;
  readonly columns: number;
  /** How text is sent. The characters that it prints are those of GBK either way. */
  readonly text: 'gbk' | 'utf-8';
  /** Behind the last row; `none`: the paper is torn. */
  readonly cut: 'none' | 'partial' | 'full' | 'esc-i';
  /** How a slip that was cut comes to the customer; null: it hangs at the cutter. */
  readonly presenter: {
    readonly eject: readonly number[];
    readonly retract: readonly number[];
  } | null;
  /** Feeds to the next mark of marked paper, in front of the cut; null: no such command. */
  readonly blackMark: readonly number[] | null;
  /** A code is drawn by the printer, or by us. */
  readonly qr: 'command' | 'raster';
  /** The command behind the data that is answered once they are printed. */
  readonly confirm: 'paper-sensor' | 'process-id';
  /** Forgets at once what it was sent (DLE DC4 8), and says so. */
  readonly clears: boolean;
}

/**
 * What nearly every ESC/POS printer has: real-time status (DLE EOT), GS r, GS V, GS ( k (Epson,
 * ESC/POS command reference; SPRT SP-POS88, SNBC BT-UR056 and HCC POS80B have the same).
 */
const COMMON = {
  text: 'gbk',
  cut: 'partial',
  presenter: null,
  blackMark: null,
  qr: 'command',
  confirm: 'paper-sensor',
  clears: false,
} as const satisfies Partial<PrinterModel>;

/**
 * Custom's ejector (GS e): 5 ejects the ticket, 2 draws it back where that is switched on
 * (KPM210/216 and KPM216H user manuals, "Ejector commands").
 */
const CUSTOM_EJECTOR = { eject: [0x1d, 0x65, 5], retract: [0x1d, 0x65, 2] } as const;

/** The models that `terminal.json` may name. */
export const PRINTER_MODELS = {
  /** 58 mm paper, 203 dpi: 384 dots. */
  'generic-58': { ...COMMON, dots: 384, columns: 32 },
  /** 80 mm paper, 203 dpi: 72 mm, 576 dots (HCC POS80B technical manual, 3). */
  'generic-80': { ...COMMON, dots: 576, columns: 48 },
  /**
   * 80 mm, text as UTF-8 (FS ( C, function 48, of Epson's reference); codes are sent as pictures
   * (GS v 0).
   */
  'unicode-80': { ...COMMON, dots: 576, columns: 48, text: 'utf-8', qr: 'raster' },
  /**
   * Epson TM-T88IV to VII: 180 dpi, 512 dots and 42 columns on 80 mm (TM-T88V specification);
   * process ID response and Clear buffer(s) (ESC/POS command reference, GS ( H function 48 and DLE
   * DC4 function 8, "Supported models").
   */
  'epson-tm-t88': {
    ...COMMON,
    dots: 512,
    columns: 42,
    confirm: 'process-id',
    clears: true,
  },
  /**
   * SNBC BT-UR056, 58 mm, for marked paper too: GS FF feeds to the next mark, and does nothing on
   * plain paper (BT-UR056 manual, 29). Its codes are sent as pictures: the manual has no GS ( k.
   */
  'snbc-bt-ur056': { ...COMMON, dots: 384, columns: 32, qr: 'raster', blackMark: [0x1d, 0x0c] },
  /**
   * SNBC BT-T080, 80 mm kiosk printer: DLE EOT 1 to 4 and GS r of its programming manual (2.5);
   * DLE EOT 3 tells of a paper jam too. Codes as pictures.
   */
  'snbc-bt-t080': { ...COMMON, dots: 576, columns: 48, qr: 'raster' },
  /** Citizen CT-S300 and PPU-700: DLE DC4 8 as Epson's (CT-S300 manual, 119; PPU-700 manual, 127). */
  'citizen-ct-s300': { ...COMMON, dots: 576, columns: 48, clears: true },
  /**
   * Custom KPM and VKP kiosk printers with the Chinese font: ESC i cuts off, GS e drives the
   * ejector, GS F8h aligns marked paper at the cutter (KM216H/KPM216H command reference, 23;
   * KPM216H user manual, 3-28 and 3-40). Codes as pictures.
   */
  'custom-kpm': {
    ...COMMON,
    dots: 576,
    columns: 48,
    cut: 'esc-i',
    presenter: CUSTOM_EJECTOR,
    blackMark: [0x1d, 0xf8],
    qr: 'raster',
  },
} as const satisfies Record<string, PrinterModel>;
export type PrinterModelName = keyof typeof PRINTER_MODELS;
