import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Outcome } from './check.ts';
import { accountsSuiteSchema, runAccountsSuite } from './accounts/suite.ts';
import { BadConfig, beside, configIn, loadCentralSuite } from './central/load.ts';
import { runCentralSuite } from './central/suite.ts';
import type { SuiteRun } from './central/suite.ts';
import type { SuitePorts } from './ports.ts';
import { asJson, asJunit, line, sum, tally } from './report.ts';

/** What `--help` says, and whoever typed it wrongly. */
export const USAGE = `usage: pilotlight conformance central --url URL --config FILE [--pages URL] [options]
       pilotlight conformance accounts --url URL --config FILE [options]
  central    a central's terminal API and payment gateway (docs/api, docs/conformance.md)
  accounts   a company's billing system as central asks it (docs/external-accounts.md)
  --url URL      where it answers; nothing of the suite is for a system in service
  --pages URL    of central: its public pages; they are looked for there
  --config FILE  throw-away terminals, cards and accounts (docs/conformance.md)
  --only GROUPS  these groups of checks alone, as SIG,CRD
  --no-wait      leaves out what waits for leases to run out (some minutes)
  --json         one JSON document instead of the table
  --junit FILE   writes JUnit XML too
exit code: 0 every check that was made is passed; 1 one is not; 2 wrong usage or configuration`;

type Suite = (run: SuiteRun) => Promise<readonly Outcome[]>;
type Options = ReturnType<typeof optionsIn>['values'];

/** Runs a suite as the command line asks. @returns the exit code */
export async function conformance(args: readonly string[], ports: SuitePorts): Promise<number> {
  let read: ReturnType<typeof optionsIn>;
  try {
    read = optionsIn(args);
  } catch (cause) {
    ports.err(`conformance: ${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = read;
  if (values.help === true) {
    ports.out(USAGE);
    return 0;
  }
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0 || !values.url || !values.config) {
    ports.err(USAGE);
    return 2;
  }
  try {
    const suite = suiteOf(name, values.url, values.config, values.pages, ports);
    if (suite === null) {
      ports.err(`conformance: there is no suite ${name}\n${USAGE}`);
      return 2;
    }
    return await reported(name, suite, values, ports);
  } catch (cause) {
    if (!(cause instanceof BadConfig)) throw cause;
    ports.err(`conformance: ${cause.message}`);
    return 2;
  }
}

const optionsIn = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      pages: { type: 'string' },
      config: { type: 'string' },
      only: { type: 'string' },
      'no-wait': { type: 'boolean' },
      json: { type: 'boolean' },
      junit: { type: 'string' },
      help: { type: 'boolean' },
    },
  });

/** @throws BadConfig */
function suiteOf(
  name: string,
  url: string,
  config: string,
  pages: string | undefined,
  ports: SuitePorts,
): Suite | null {
  for (const one of [url, ...(pages === undefined ? [] : [pages])])
    if (!URL.canParse(one) || !/^https?:$/.test(new URL(one).protocol))
      throw new BadConfig(`${one} is no http or https address`);
  switch (name) {
    case 'central': {
      const parts = loadCentralSuite(ports, url, config, pages ?? null);
      return (run) => runCentralSuite(parts, run);
    }
    case 'accounts': {
      const text = beside(ports, config, resolve(config), (t) => t);
      const read = configIn(accountsSuiteSchema, text, config);
      const secret = beside(ports, config, read.secretFile, (t) => t.trim());
      const { send, clock, random } = ports;
      const parts = { url, secret, config: read, send, clock, random, timeoutMs: 30_000 };
      return (run) => runAccountsSuite(parts, run);
    }
    default:
      return null;
  }
}

async function reported(
  name: string,
  suite: Suite,
  values: Options,
  ports: SuitePorts,
): Promise<number> {
  const outcomes = await suite({
    waits: values['no-wait'] !== true,
    only: values.only?.split(','),
    ...(values.json === true ? {} : { heard: (outcome) => ports.out(line(outcome)) }),
  });
  if (outcomes.length === 0) {
    ports.err('conformance: no such group of checks');
    return 2;
  }
  ports.out(
    values.json === true ? asJson(name, values.url ?? '', outcomes).trimEnd() : sum(outcomes),
  );
  if (values.junit !== undefined) ports.writeText(values.junit, asJunit(name, outcomes));
  return tally(outcomes).failed === 0 ? 0 : 1;
}
