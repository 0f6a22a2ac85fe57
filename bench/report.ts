/** The value below which a share `q` of the sorted values lies. */
export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;

/** One line: how many, how long, how often in a second. */
export function report(name: string, ms: readonly number[]): void {
  const sorted = ms.toSorted((a, b) => a - b);
  const sum = ms.reduce((a, b) => a + b, 0);
  console.log(
    `${name.padEnd(44)} n=${String(ms.length).padStart(5)}  p50 ${quantile(sorted, 0.5).toFixed(2)} ms  p99 ${quantile(sorted, 0.99).toFixed(2)} ms  ${(1000 / (sum / ms.length)).toFixed(0)}/s`,
  );
}
