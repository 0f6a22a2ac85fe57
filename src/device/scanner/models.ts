/** What differs between models: the bytes of the trigger, or none where it looks by itself. */
export interface ScannerModel {
  readonly on: readonly number[] | null;
  readonly off: readonly number[] | null;
}

/** How scanners are told to look, by model; each must be set to its serial trigger mode. */
export const SCANNER_MODELS = {
  /** Looks by itself (presentation mode), as most fixed scanners are set up. */
  plain: { on: null, off: null },
  /**
   * SYN T CR and SYN U CR: Honeywell and Metrologic, and what understands the same, as Datalogic's
   * 7000 series (product reference guide, 10-5) and Canmax CM-2D202 (manual, 8-3, "Trigger
   * Commands").
   */
  honeywell: { on: [0x16, 0x54, 0x0d], off: [0x16, 0x55, 0x0d] },
  /**
   * `T` pulls the trigger, `X` lets it go (Datalogic PowerScan, product reference guide, appendix
   * E).
   */
  datalogic: { on: [0x54], off: [0x58] },
  /** `T` starts, `P` stops (ZKTeco ZKB200 manual, 3-3). */
  zkteco: { on: [0x54], off: [0x50] },
} as const satisfies Record<string, ScannerModel>;
