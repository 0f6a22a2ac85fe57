import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { Sle4442, blank4442 } from '../../../src/simulator/card/sle4442.ts';
import { AcsReader } from '../../../src/simulator/reader/acs.ts';
import { cardIn, must, until, virtualRig } from '../card/rig.ts';
import type { Rig } from '../card/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await virtualRig();
});
afterEach(async () => {
  await rig.close();
});

describe('a simulated reader behind vpcd’s protocol', () => {
  it('answers through a real driver, is torn out by a cut, and comes back', async () => {
    const chip = new Sle4442(blank4442());
    const reader = new AcsReader(chip);
    rig.slot.insert(reader);
    const channel = await cardIn(rig.reader);
    expect(toHex(must(await channel.reset()))).toBe('3B04A2131091');
    const said = async (hex: string): Promise<string> =>
      toHex(must(await channel.transmit(fromHex(hex))));
    expect(await said('FFB0000004')).toBe('6300');
    expect(await said('FFA400000106')).toBe('9000');
    expect(await said('FF20000003FFFFFF')).toBe('9007');
    chip.arm({ afterOps: 2, inFlight: 'ff' });
    expect((await channel.transmit(fromHex('FFD0004003010203'))).ok).toBe(false);
    await until(rig.reader, (s) => s.state === 'empty');
    expect(toHex(chip.peek().subarray(0x40, 0x43))).toBe('01FFFF');
    rig.slot.insert(reader);
    const again = await cardIn(rig.reader);
    expect(toHex(must(await again.transmit(fromHex('FFA400000106'))))).toBe('9000');
    expect(toHex(must(await again.transmit(fromHex('FFB0004003'))))).toBe('01FFFF9000');
  });
});
