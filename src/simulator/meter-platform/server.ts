import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { reply, serveJson } from '../json-server.ts';

/**
 * A platform of IoT meters as central meets one (docs/credit.md), a process of its own:
 * `--file FILE --secret TEXT --answers at-once|later|never [--port N]`. It prints its port.
 *
 * Each meter has what it confirmed and what it was told last: `at-once` a command is confirmed with
 * its answer · `later`: with the next call about that meter · `never`: the meter is not reached.
 * What a meter was told before, or less than that, changes nothing.
 */
const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    secret: { type: 'string', default: '' },
    port: { type: 'string', default: '0' },
    answers: { type: 'string', default: 'at-once' },
  },
});
interface Stands {
  readonly count: number;
  readonly totalFen: number;
}
interface Meter {
  readonly told: Stands;
  readonly confirmed: Stands;
  /** How often its valve's balance was changed: once for each count at the most. */
  readonly applied: number;
}
const NOTHING: Stands = { count: 0, totalFen: 0 };
const file = values.file ?? 'meter-platform.json';
const meters = new Map<string, Meter>(
  existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as readonly (readonly [string, Meter])[])
    : [],
);

function keep(meterNo: string, meter: Meter): void {
  meters.set(meterNo, meter);
  writeFileSync(`${file}.new`, JSON.stringify([...meters]), { flush: true });
  renameSync(`${file}.new`, file);
}
const confirm = (meter: Meter): Meter =>
  meter.told.count > meter.confirmed.count
    ? { ...meter, confirmed: meter.told, applied: meter.applied + 1 }
    : meter;

function tell(meterNo: string, told: Stands): Stands {
  const was = meters.get(meterNo) ?? { told: NOTHING, confirmed: NOTHING, applied: 0 };
  const before = values.answers === 'later' ? confirm(was) : was;
  const next = told.count > before.told.count ? { ...before, told } : before;
  const now = values.answers === 'at-once' ? confirm(next) : next;
  keep(meterNo, now);
  return now.confirmed;
}

serveJson(Number(values.port), (request, text, response) => {
  const named = /^\/meters\/([^/]+)\/credit$/.exec(request.url ?? '')?.[1];
  if (request.headers.authorization !== `Bearer ${values.secret}`)
    return reply(response, 401, { error: 'who is this' });
  if (request.method !== 'POST' || named === undefined)
    return reply(response, 404, { error: 'nothing' });
  const { count, totalFen } = JSON.parse(text) as Stands;
  const meterNo = decodeURIComponent(named);
  reply(response, 200, { meterNo, confirmed: tell(meterNo, { count, totalFen }) });
});
