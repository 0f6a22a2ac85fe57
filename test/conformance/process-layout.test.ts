import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processLayout } from '../../src/card/index.ts';
import type { CardLayout } from '../../src/card/index.ts';
import type { Clock } from '../../src/shared/ports.ts';
import { systemClock } from '../support/clock.ts';
import { acs, Desk, golden4442, pl4442 } from '../unit/card/chips.ts';
import { codeOf, demoKeys, GOLDEN_PURCHASE, must } from '../unit/card/rig.ts';

const ADAPTER = fileURLToPath(new URL('../../src/demo/adapters/pl-4442.ts', import.meta.url));
let folder: string;
let layout: CardLayout & { readonly close: () => void };
/** Time-outs of the protocol, forty times as fast. */
const hurried: Clock = {
  ...systemClock,
  monoMs: () => systemClock.monoMs() * 40,
  after: (ms, fn) => systemClock.after(ms / 40, fn),
};

const made = (command: readonly string[], clock: Clock = systemClock): typeof layout =>
  processLayout({
    id: 'PL-4442',
    command,
    cwd: folder,
    atrs: ['3B04A2131091'],
    acceptance: 'count-exact',
    keys: demoKeys,
    clock,
    log: () => undefined,
  });
const sample = (): typeof layout => made([process.execPath, ADAPTER]);

/**
 * The sample adapter behind a program that does something else at one of its lines to the kiosk.
 * `{}` in `then` is that line.
 */
function spoiled(when: RegExp, then: string): readonly string[] {
  const file = join(folder, 'spoiled.mjs');
  writeFileSync(
    file,
    `
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
const child = spawn(process.execPath, [${JSON.stringify(ADAPTER)}, ...process.argv.slice(2)], { stdio: ['pipe', 'pipe', 'inherit'] });
process.stdin.pipe(child.stdin);
const say = (line) => process.stdout.write(line + '\\n');
createInterface({ input: child.stdout }).on('line', (line) => { if (${String(when)}.test(line)) { ${then} } else say(line); });
child.on('close', () => process.exit(0));
process.on('exit', () => child.kill());
`,
  );
  return [process.execPath, file];
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-adapter-'));
});
afterEach(() => {
  layout.close();
  rmSync(folder, { recursive: true });
});

describe('a layout in a process of its own', () => {
  it('never sees a code or key: neither is in anything that goes to it', async () => {
    const log = join(folder, 'said');
    layout = made(spoiled(/never/, ''));
    // Everything that the kiosk says is kept.
    writeFileSync(
      join(folder, 'spoiled.mjs'),
      readFileSync(join(folder, 'spoiled.mjs'), 'utf8').replace(
        'process.stdin.pipe(child.stdin);',
        `import { appendFileSync } from 'node:fs'; process.stdin.on('data', (d) => { appendFileSync(${JSON.stringify(log)}, d); child.stdin.write(d); }); process.stdin.on('end', () => child.stdin.end());`,
      ),
    );
    const channel = new Desk(acs(golden4442())).insert();
    const reading = must(await layout.read(channel));
    must(await layout.proveAuthority(reading));
    must(await layout.apply(channel, must(layout.plan(reading, GOLDEN_PURCHASE))));
    const said = readFileSync(log, 'utf8');
    expect(said).toContain('"verified":true');
    expect(said.toUpperCase()).not.toContain('116806');
  });

  it('may change nothing while it reads', async () => {
    // It asks to write where it should read.
    layout = made(
      spoiled(
        /"op":"counter"/,
        `say(line.replace('"op":"counter","chip":"SLE4442"', '"op":"write","chip":"SLE4442","area":"main","at":64,"bytes":"00"'))`,
      ),
    );
    const chip = golden4442();
    const kept = JSON.stringify(chip.toJSON());
    expect(codeOf(await layout.read(new Desk(acs(chip)).insert()))).toBe('CARD-0202');
    expect(JSON.stringify(chip.toJSON())).toBe(kept);
  });

  it.each([
    ['dies', `process.exit(3)`],
    ['says what is no message', `say('not JSON')`],
    ['answers another job', `say(JSON.stringify({ id: 999, ok: {} }))`],
    [
      'says that nothing was written',
      `say(line.replace(/"ask":.*/, '"fail":{"code":"CARD-0202"}}'))`,
    ],
  ])(
    '%s in the middle of a write: in doubt; afterwards it is there again, and the card is finished once',
    async (_what, then) => {
      // Its third question to write: two are on the card.
      const command = spoiled(
        /"op":"write"/,
        `globalThis.n = (globalThis.n ?? 0) + 1; if (globalThis.n === 3) { ${then} } else say(line);`,
      );
      layout = made(command);
      const chip = golden4442();
      const desk = new Desk(acs(chip));
      let channel = desk.insert();
      const plan = must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE));
      expect(codeOf(await layout.apply(channel, plan))).toBe('CARD-0203');
      channel = desk.insert();
      layout.close();
      layout = sample();
      expect(layout.classify(plan, must(await layout.readImage(channel)))).toBe('torn');
      must(await layout.apply(channel, plan));
      expect(must(await layout.read(channel))).toMatchObject({ count: 42, cumulative: 208_773 });
    },
  );

  it('is silent: it is ended, and the job fails in time; started anew with back-off', async () => {
    const file = join(folder, 'silent.mjs');
    writeFileSync(file, 'process.stdin.resume();');
    layout = made([process.execPath, file], hurried);
    const channel = new Desk(acs(golden4442())).insert();
    const first = await layout.read(channel);
    expect(first.ok ? '' : first.error.detail).toContain('said nothing for 5000 ms');
    // At once, then after a while.
    expect(codeOf(await layout.read(channel))).toBe('CARD-0107');
    const third = await layout.read(channel);
    expect(third.ok ? '' : third.error.detail).toMatch(/started again in \d+ ms/);
  });

  it('is not there, or is another layout, or dies at an image: never guessed', async () => {
    layout = made([join(folder, 'absent')]);
    const channel = new Desk(acs(golden4442())).insert();
    expect(codeOf(await layout.read(channel))).toBe('CARD-0107');
    const reading = must(await pl4442.read(channel));
    expect(codeOf(layout.plan(reading, GOLDEN_PURCHASE))).toBe('CARD-0107');
    const plan = must(pl4442.plan(reading, GOLDEN_PURCHASE));
    // What is byte for byte the one or the other is seen without it.
    expect([layout.classify(plan, plan.after), layout.classify(plan, plan.before)]).toEqual([
      'after',
      'before',
    ]);
    const torn = plan.before.slice();
    torn[0x20] = 0;
    expect(layout.classify(plan, torn)).toBe('foreign');
    layout.close();
    layout = processLayout({
      id: 'OTHER',
      command: [process.execPath, ADAPTER],
      cwd: folder,
      atrs: [],
      acceptance: 'count-exact',
      keys: demoKeys,
      clock: systemClock,
      log: () => undefined,
    });
    const other = await layout.read(channel);
    expect(other.ok ? '' : other.error.detail).toContain('it is PL-4442');
  });
});
