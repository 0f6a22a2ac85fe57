/** How often terminals upload, by central's load. */
export interface Pacing {
  /** While central has time: how long a terminal with nothing urgent waits between uploads, ms. */
  readonly idleMs: number;
  /**
   * Batches a second that this central takes at ease; above, waits grow in proportion, so that the
   * rate falls back to it.
   */
  readonly batchesPerSecond: number;
  readonly maxMs: number;
}
export const PACING: Pacing = { idleMs: 2_000, batchesPerSecond: 50, maxMs: 300_000 };

/** The load is measured over whole stretches of this. */
const STRETCH_MS = 10_000;

/** A function to call once for each batch; it returns its terminal's `nextUploadAfterMs`. */
export function pacer(over: Partial<Pacing> = {}): (nowMs: number) => number {
  const { idleMs, batchesPerSecond, maxMs } = { ...PACING, ...over };
  let stretch = -1;
  let batches = 0;
  let last = 0;
  return (nowMs) => {
    const current = Math.floor(nowMs / STRETCH_MS);
    if (current !== stretch) {
      last = current === stretch + 1 ? batches : 0;
      stretch = current;
      batches = 0;
    }
    batches++;
    // The stretch that runs counts as soon as it is the busier one: a rush is answered at once.
    const load = Math.max(last, batches) / (STRETCH_MS / 1000) / batchesPerSecond;
    return Math.min(maxMs, Math.round(idleMs * Math.max(1, load)));
  };
}
