import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  layoutRegistry,
  pl102Layout,
  pl1608Layout,
  pl24Layout,
  pl4428Layout,
  pl4442Layout,
  plCpuLayout,
  plM1Layout,
  VirtualReader,
} from '../../../src/card/index.ts';
import type { ReaderStatus } from '../../../src/card/index.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { HALL_CARDS } from '../../../src/demo/hall-card.ts';
import { counterRandom } from '../../../src/simulator/card/cpu-card.ts';
import { sampleCard } from '../../../src/simulator/card/catalogue.ts';
import { CardSlot } from '../../../src/simulator/vpcd/client.ts';
import { systemClock } from '../../support/clock.ts';
import { cardIn, codeOf, demoKeys, GOLDEN_PURCHASE, must, until, virtualRig } from './rig.ts';
import type { Rig } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await virtualRig();
});
afterEach(async () => {
  await rig.close();
});

describe('the virtual reader', () => {
  it('tells of cards coming and going, with a rising insertion', async () => {
    const seen: string[] = [];
    rig.reader.onStatus((s: ReaderStatus) => seen.push(`${s.state} ${s.insertion}`));
    for (let i = 0; i < 3; i++) {
      rig.slot.insert(sampleCard('golden').make());
      await cardIn(rig.reader);
      rig.slot.remove();
      await until(rig.reader, (s) => s.state === 'empty');
    }
    expect(seen).toEqual(['present 1', 'empty 1', 'present 2', 'empty 2', 'present 3', 'empty 3']);
  });

  it('gives the ATR at once and after a reset', async () => {
    rig.slot.insert(sampleCard('golden').make());
    const status = await until(rig.reader, (s) => s.state === 'present');
    expect(status.state === 'present' ? toHex(status.atr) : '').toBe('3B6500009C02020702');
    const channel = rig.reader.open(status.insertion);
    expect(toHex(must(await channel.reset()))).toBe('3B6500009C02020702');
    expect(toHex(must(await channel.transmit(fromHex('0084000004')))).slice(-4)).toBe('9000');
  });

  it('says mute of a card without an ATR', async () => {
    rig.slot.insert(sampleCard('mute').make());
    const status = await until(rig.reader, (s) => s.state === 'mute');
    expect(status.state === 'mute' ? status.failure.code : '').toBe('CARD-0101');
    expect(codeOf(await rig.reader.open(status.insertion).transmit(fromHex('0084000004')))).toBe(
      'CARD-0101',
    );
  });

  it('one exchange at a time, answers in order', async () => {
    rig.slot.insert(sampleCard('golden').make());
    const channel = await cardIn(rig.reader);
    must(await channel.transmit(fromHex('00A4040008504C2E4D45544552')));
    const answers = await Promise.all(
      ['00B095001E', '00B0970011', '00B0960010'].map((hex) => channel.transmit(fromHex(hex))),
    );
    expect(answers.map((a) => must(a).length)).toEqual([32, 19, 18]);
  });

  it('an old insertion’s channel is dead for ever', async () => {
    const card = sampleCard('golden').make();
    rig.slot.insert(card);
    const old = await cardIn(rig.reader);
    rig.slot.remove();
    await until(rig.reader, (s) => s.state === 'empty');
    expect(codeOf(await old.transmit(fromHex('0084000004')))).toBe('CARD-0102');
    rig.slot.insert(card);
    await cardIn(rig.reader);
    expect(codeOf(await old.transmit(fromHex('0084000004')))).toBe('CARD-0102');
    expect(codeOf(await old.reset())).toBe('CARD-0102');
  });

  it('a second card waits until the slot is free', async () => {
    const port = await rig.reader.listening();
    rig.slot.insert(sampleCard('golden').make());
    const first = await cardIn(rig.reader);
    const second = new CardSlot({ host: '127.0.0.1', port, clock: systemClock });
    second.insert(sampleCard('good').make());
    await new Promise((r) => setTimeout(r, 50));
    expect(rig.reader.status().insertion).toBe(first.insertion);
    rig.slot.remove();
    await until(rig.reader, (s) => s.state === 'present' && s.insertion === first.insertion + 1);
    second.remove();
  });

  it('fails at once when closed', async () => {
    rig.slot.insert(sampleCard('golden').make());
    const channel = await cardIn(rig.reader);
    await rig.reader.close();
    expect(codeOf(await channel.transmit(fromHex('0084000004')))).toBe('CARD-0107');
  });

  it('says which port is taken, and takes it once it is free', async () => {
    const blocker = createServer();
    await new Promise<void>((r) =>
      blocker.listen(0, '127.0.0.1', () => {
        r();
      }),
    );
    const { port } = blocker.address() as AddressInfo;
    const reader = new VirtualReader({
      id: 'v',
      host: '127.0.0.1',
      port,
      clock: systemClock,
      log: () => undefined,
    });
    const status = await until(
      reader,
      (s) => s.state === 'offline' && s.failure.code === 'CONF-0102',
    );
    expect(status.state === 'offline' ? status.failure.detail : '').toContain(String(port));
    await new Promise<void>((r) => {
      blocker.close(() => {
        r();
      });
    });
    await until(reader, (s) => s.state === 'empty');
    await reader.close();
  });

  it('speaks to every family of the demo hall, as the demo’s reader does', async () => {
    const registry = layoutRegistry(
      [
        pl4442Layout,
        pl4428Layout,
        plM1Layout,
        pl102Layout,
        pl1608Layout,
        pl24Layout,
        plCpuLayout,
      ].map((layout) => layout(demoKeys)),
    );
    for (const [id, family] of [
      ['good', 'PL-CPU'],
      ['rf-good', 'PL-CPU'],
      ['4442-good', 'PL-4442'],
      ['4428-good', 'PL-4428'],
      ['m1-good', 'PL-M1'],
      ['102-good', 'PL-102'],
      ['1608-good', 'PL-1608'],
      ['24-good', 'PL-24'],
      ['24-big', 'PL-24'],
    ] as const) {
      const card = HALL_CARDS.find((c) => c.id === id)?.make(null, counterRandom(1));
      if (card === undefined) throw new Error(id);
      rig.slot.insert(card.slot);
      const channel = await cardIn(rig.reader);
      const status = rig.reader.status();
      const { layout, reading } = must(
        await registry.read(channel, status.state === 'present' ? status.atr : new Uint8Array(0)),
      );
      expect(layout.id, id).toBe(family);
      const plan = must(layout.plan(reading, GOLDEN_PURCHASE));
      must(await layout.apply(channel, plan));
      must(await channel.reset());
      expect(layout.classify(plan, must(await layout.readImage(channel))), id).toBe('after');
      rig.slot.remove();
      await until(rig.reader, (s) => s.state === 'empty');
    }
  });

  it('a card stays in its slot while the reader restarts', async () => {
    const port = await rig.reader.listening();
    rig.slot.insert(sampleCard('golden').make());
    await cardIn(rig.reader);
    await rig.reader.close();
    const again = new VirtualReader({
      id: 'v',
      host: '127.0.0.1',
      port,
      clock: systemClock,
      log: () => undefined,
    });
    const channel = await cardIn(again);
    expect(toHex(must(await channel.transmit(fromHex('0084000004')))).slice(-4)).toBe('9000');
    rig.slot.remove();
    await again.close();
  });
});
