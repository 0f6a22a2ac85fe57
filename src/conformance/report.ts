import type { Outcome } from './check.ts';

/** How many of each. */
export function tally(outcomes: readonly Outcome[]): Readonly<Record<Outcome['result'], number>> {
  const count = (result: Outcome['result']): number =>
    outcomes.filter((outcome) => outcome.result === result).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

const SIGN = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' } as const;

/** One check as a line, what came below it. */
export const line = ({ id, result, says, came }: Outcome): string =>
  `${SIGN[result]} ${id.padEnd(7)} ${says}${came === '' ? '' : `\n             ${came}`}`;

/** The last line. */
export function sum(outcomes: readonly Outcome[]): string {
  const { passed, failed, skipped } = tally(outcomes);
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The whole run for a program. */
export const asJson = (suite: string, url: string, outcomes: readonly Outcome[]): string =>
  `${JSON.stringify({ suite, url, ...tally(outcomes), checks: outcomes }, null, 2)}\n`;

const CODES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};
/** Text in XML; what XML cannot hold at all becomes a question mark. */
const xml = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[&<>"]/g, (c) => CODES[c] ?? c)
    // oxlint-disable-next-line no-control-regex -- XML 1.0, section 2.2, has no control characters
    .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '?');

/** The run as JUnit's XML, which build servers read. */
export function asJunit(suite: string, outcomes: readonly Outcome[]): string {
  const { failed, skipped } = tally(outcomes);
  const cases = outcomes.map(({ id, group, says, result, came, tookMs }) => {
    const inner =
      result === 'failed'
        ? `<failure message="${xml(came)}"/>`
        : result === 'skipped'
          ? `<skipped message="${xml(came)}"/>`
          : '';
    return `  <testcase classname="${xml(`${suite}.${group}`)}" name="${xml(`${id} ${says}`)}" time="${(tookMs / 1000).toFixed(3)}">${inner}</testcase>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="${xml(suite)}" tests="${outcomes.length}" failures="${failed}" skipped="${skipped}">\n${cases.join('\n')}\n</testsuite>\n`;
}
