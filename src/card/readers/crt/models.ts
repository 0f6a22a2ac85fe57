/**
 * What differs between motor readers of the F2 dialect. The same code means "to the IC position" on
 * one model and "capture into the bin" on another, so nothing is moved before the model is known
 * from the firmware's own text. A model is one entry here.
 */
export interface CrtModel {
  readonly id: string;
  /** Found in the version text (A4). */
  readonly firmware: RegExp;
  /** PM of INITIALIZE (30) that leaves a card where it is. */
  readonly initKeep: number;
  /** PM of MOVE (32). `capture` null: it has no bin. */
  readonly move: {
    readonly ic: number;
    readonly gate: number;
    readonly eject: number;
    readonly capture: number | null;
  };
}

/** cards.md 5.1: tables of the CRT-571, CRT-591 and QU-TK-F3. */
const STANDARD = {
  initKeep: 0x33,
  move: { ic: 0x31, gate: 0x30, eject: 0x39, capture: 0x33 },
} as const;

export const CRT_MODELS: readonly CrtModel[] = [
  { id: 'crt-571', firmware: /CRT-?571/i, ...STANDARD },
  { id: 'crt-591', firmware: /CRT-?591/i, ...STANDARD },
  { id: 'qu-tk-f3', firmware: /QU-?TK-?F3/i, ...STANDARD },
  // cards.md 5.1, trap (c): 33 is the IC position here; 34 leaves the card; there is no bin, the
  // rear holds or drops.
  {
    id: 'crt-310',
    firmware: /CRT-?310/i,
    initKeep: 0x34,
    move: { ic: 0x33, gate: 0x30, eject: 0x30, capture: null },
  },
];

/**
 * Models of the old `02` dialect (link02.ts). The same PMs mean other places there: 2F the IC
 * position, 30 out at the front, 31 held at the front, 33 out at the rear. What stands behind the
 * rear nobody tells, so nothing is captured.
 */
export const CRT02_MODELS: readonly CrtModel[] = [
  {
    id: 'crt-310-02',
    firmware: /CRT-?310/i,
    initKeep: 0x30,
    move: { ic: 0x2f, gate: 0x31, eject: 0x30, capture: null },
  },
];

/** How a reader's frames look: see frames.ts and link02.ts. */
export type CrtDialect = 'f2' | '02';

/** The model that a firmware text names; null: none known, and nothing may be moved. */
export function crtModelOf(firmware: string, dialect: CrtDialect = 'f2'): CrtModel | null {
  const models = dialect === '02' ? CRT02_MODELS : CRT_MODELS;
  return models.find((m) => m.firmware.test(firmware)) ?? null;
}
