import { afterAll, beforeAll, expect, it } from 'vitest';
import { PcscReader } from '../../src/card/index.ts';
import type { CardReader } from '../../src/card/index.ts';
import { pcscService } from '../../src/main/pcsc/service.ts';
import { CardSlot } from '../../src/simulator/vpcd/client.ts';
import { systemClock } from '../support/clock.ts';
import { preparePcscd } from '../support/pcscd.ts';
import type { Pcscd } from '../support/pcscd.ts';
import { cardIn, GOLDEN_PURCHASE, must, until } from '../unit/card/rig.ts';
import { LAYOUT_CASES } from './cards.ts';
import type { LayoutCase } from './cards.ts';

/** vpcd has two slots: the second is at the next port. */
let pcscd: Pcscd;
beforeAll(async () => {
  pcscd = await preparePcscd();
  await pcscd.start();
});
afterAll(async () => {
  await pcscd.stop();
});

it('two readers of one service: each its own card, both written at once; the service dies under both, and each card is finished once', async () => {
  const both = await Promise.all(
    (
      [
        ['00 00', 0, 'PL-4442'],
        ['00 01', 1, 'PL-CPU'],
      ] as const
    ).map(async ([match, offset, name]) => {
      const { layout, golden } = LAYOUT_CASES[name] as LayoutCase;
      const reader: CardReader = new PcscReader({
        id: match,
        match: `virtual pcd ${match}`,
        model: 'acs',
        clock: systemClock,
        log: () => undefined,
        service: pcscService(systemClock, () => undefined),
      });
      const slot = new CardSlot({
        host: '127.0.0.1',
        port: pcscd.port + offset,
        clock: systemClock,
      });
      const card = golden();
      await until(reader, (s) => s.state === 'empty', 10_000);
      slot.insert(card.slot);
      return { name, layout, reader, slot, card, channel: await cardIn(reader, 10_000) };
    }),
  );
  for (const { reader, name } of both)
    expect(reader.name(), name).toMatch(/^Virtual PCD 00 0[01]$/);
  expect(new Set(both.map((b) => b.reader.name())).size).toBe(2);
  const first = await Promise.all(
    both.map(async ({ layout, channel }) => {
      const plan = must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE));
      must(await layout.apply(channel, plan));
      must(await channel.reset());
      return layout.classify(plan, must(await layout.readImage(channel)));
    }),
  );
  expect(first).toEqual(['after', 'after']);

  // One of them leaves: the other's insertion goes on.
  const [gone, stays] = both as [(typeof both)[number], (typeof both)[number]];
  gone.slot.remove();
  await until(gone.reader, (s) => s.state === 'empty');
  expect(stays.reader.status()).toMatchObject({
    state: 'present',
    insertion: stays.channel.insertion,
  });
  gone.slot.insert(gone.card.slot);
  gone.channel = await cardIn(gone.reader);

  for (const afterMs of [20, 130, 330]) {
    const before = both.map((b) => b.reader.status().insertion);
    const plans = await Promise.all(
      both.map(async ({ layout, channel }) =>
        must(
          layout.plan(must(await layout.read(channel)), {
            ...GOLDEN_PURCHASE,
            orderId: `PL-000000000311-1-${String(afterMs).padStart(4, '0')}`,
          }),
        ),
      ),
    );
    await new Promise((done) => {
      setTimeout(done, 600);
    });
    const writing = both.map(({ layout, channel }, i) =>
      layout.apply(channel, plans[i] as (typeof plans)[number]),
    );
    await new Promise((done) => {
      setTimeout(done, afterMs);
    });
    await pcscd.kill();
    await Promise.all(writing);
    for (const { reader } of both) await until(reader, (s) => s.state === 'offline', 10_000);
    await pcscd.start();
    for (const [i, b] of both.entries()) {
      const plan = plans[i] as (typeof plans)[number];
      b.channel = await cardIn(b.reader, 10_000);
      expect(b.channel.insertion).toBe((before[i] as number) + 1);
      const verdict = b.layout.classify(plan, must(await b.layout.readImage(b.channel)));
      expect(['before', 'torn', 'after'], `${b.name} ${afterMs}`).toContain(verdict);
      if (verdict !== 'after') must(await b.layout.apply(b.channel, plan));
      expect(must(await b.layout.read(b.channel)), `${b.name} ${afterMs}`).toMatchObject({
        count: plan.count,
        cumulative: plan.cumulative,
      });
    }
  }
  for (const { reader, slot } of both) {
    slot.remove();
    await until(reader, (s) => s.state === 'empty');
    await reader.close();
  }
}, 120_000);
