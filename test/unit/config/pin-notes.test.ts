import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PinNotes } from '../../../src/card/index.ts';
import { Journal } from '../../../src/journal/journal.ts';
import { cardLayouts } from '../../../src/main/core/layouts.ts';
import { forgetPins, pinNotes } from '../../../src/main/core/pin-notes.ts';
import { CpuCard, counterRandom } from '../../../src/simulator/card/cpu-card.ts';
import { issuePurse } from '../../../src/simulator/card/issue-purse.ts';
import { ManualClock } from '../../support/clock.ts';
import { scratchFolder, seededRandom, T0 } from '../../support/kiosk-world.ts';
import { Desk } from '../card/chips.ts';
import { demoKeys } from '../card/rig.ts';

/** Purse cards that do not tell their tries, as terminal.json says of them, and a kiosk's restarts. */
const TERMINAL = '000000000311';
let folder = '';
let journal: Journal | null = null;

function open(): Journal {
  journal?.close();
  const opened = Journal.open({
    dataDir: join(folder, 'data'),
    secondPath: join(folder, 'second'),
    terminalId: TERMINAL,
    clock: new ManualClock(T0),
    random: seededRandom('pins'),
    onFatal: () => undefined,
  });
  if (!opened.ok) throw new Error(opened.error.code);
  journal = opened.value;
  return opened.value;
}
beforeEach(() => {
  folder = scratchFolder();
  for (const name of ['data', 'second']) mkdirSync(join(folder, name));
});
afterEach(() => {
  journal?.close();
  journal = null;
  rmSync(folder, { recursive: true, force: true });
});

const CARD = { cardNo: '8800003921', userNo: '1002203344', meterNo: '0260001577' };
const mum = (pin: string): CpuCard =>
  new CpuCard(issuePurse({ ...CARD, purse: { lacks: ['ask-tries'], pin } }), counterRandom(1));
/** The kiosk of this configuration, new from its start. */
const kiosk = (pinTries: 'asked' | 'blind' | undefined, notes: PinNotes | null) =>
  cardLayouts(demoKeys, {
    layouts: [],
    purse: pinTries === undefined ? undefined : { pinTries },
    pinNotes: notes,
    cwd: '.',
    terminalId: TERMINAL,
    clock: new ManualClock(T0),
    log: () => undefined,
  });
async function read(card: CpuCard, layouts: ReturnType<typeof kiosk>): Promise<string> {
  const done = await layouts.read(new Desk(card).insert(), card.atr);
  return done.ok ? done.value.reading.cardNo : done.error.code;
}

it('a card that does not tell its tries is read only where terminal.json says so', async () => {
  const notes = pinNotes(() => open());
  expect(await read(mum('123456'), kiosk(undefined, notes))).toBe('CARD-0106');
  expect(await read(mum('123456'), kiosk('asked', notes))).toBe('CARD-0106');
  expect(await read(mum('123456'), kiosk('blind', notes))).toBe(CARD.cardNo);
  // The doctor, and a kiosk without its journal, keep nothing and so present nothing.
  expect(await read(mum('123456'), kiosk('blind', null))).toBe('CARD-0110');
  expect(
    await read(
      mum('123456'),
      kiosk(
        'blind',
        pinNotes(() => null),
      ),
    ),
  ).toBe('CARD-0110');
});

it('its last try stays over restarts, until a kiosk that asks its cards was started once', async () => {
  const card = mum('654321');
  const visit = (): Promise<string> => {
    const now = open();
    return read(
      card,
      kiosk(
        'blind',
        pinNotes(() => now),
      ),
    );
  };
  expect([await visit(), await visit(), await visit(), await visit()]).toEqual([
    'CARD-0201',
    'CARD-0201',
    'CARD-0110',
    'CARD-0110',
  ]);
  expect(card.purse?.state.pinTries).toBe(1);
  // Staff have set it back, with its right PIN: the same number is another card to the chip.
  expect(
    await read(
      mum('123456'),
      kiosk(
        'blind',
        pinNotes(() => journal),
      ),
    ),
  ).toBe('CARD-0110');
  forgetPins(open());
  expect(
    await read(
      mum('123456'),
      kiosk(
        'blind',
        pinNotes(() => journal),
      ),
    ),
  ).toBe(CARD.cardNo);
});

it('what cannot be written down is not presented', async () => {
  const notes = pinNotes(() => ({
    meta: () => null,
    setMeta: () => {
      throw new Error('SQLITE_FULL');
    },
  }));
  const card = mum('123456');
  expect(await read(card, kiosk('blind', notes))).toBe('CARD-0110');
  expect(card.transcript.some((l) => l.startsWith('=> 0020'))).toBe(false);
});

it('the newest thousand cards are remembered', () => {
  const now = open();
  const notes = pinNotes(() => now);
  for (let n = 0; n < 1_001; n++) expect(notes.keep(String(n), 1)).toBe(true);
  expect([notes.left('0'), notes.left('1'), notes.left('1000')]).toEqual([null, 1, 1]);
  notes.keep('1', null);
  expect(notes.left('1')).toBeNull();
});
