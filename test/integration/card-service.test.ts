import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CardChannel, ProcessReader, processLayout } from '../../src/card/index.ts';
import { BoxCard, BoxMeter } from '../../src/simulator/card-service/box-card.ts';
import { CardService } from '../../src/simulator/card-service/server.ts';
import { boxLayout, boxReader } from '../support/box.ts';
import { systemClock } from '../support/clock.ts';
import { cardIn, codeOf, GOLDEN_PURCHASE, must, until } from '../unit/card/rig.ts';

let service: CardService;
let layout: ReturnType<typeof processLayout>;
let reader: ProcessReader;

beforeEach(async () => {
  service = new CardService(systemClock);
  const base = `http://127.0.0.1:${await service.start()}/`;
  layout = boxLayout(base);
  reader = boxReader(base);
});
afterEach(async () => {
  layout.close();
  await reader.close();
  await service.close();
});

async function put(card: BoxCard): Promise<CardChannel> {
  service.remove();
  await until(reader, (s) => s.state === 'empty');
  service.insert(card);
  return cardIn(reader);
}

it('a sale through a counter’s card service; what its meter took, or another sold, is for a person', async () => {
  const card = new BoxCard({ cardNo: '8800003921' });
  const meter = new BoxMeter(card);
  const channel = await put(card);
  const plan = must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE));
  must(await layout.apply(channel, plan));
  expect(layout.classify(plan, must(await layout.readImage(channel)))).toBe('after');
  expect(meter.visit(card)).toEqual({ accepted: true, credited: 3773 });
  // The count is ours, and nothing stands under it any more: it may have been another's.
  expect(layout.classify(plan, must(await layout.readImage(channel)))).toBe('foreign');
  expect(codeOf(await layout.apply(channel, plan))).toBe('CARD-0205');
  card.buy(1000, 42);
  expect(layout.classify(plan, must(await layout.readImage(channel)))).toBe('foreign');
});

it('a write that was cut: half of it is finished once, the middle of it is for a person', async () => {
  for (const [at, verdict] of [
    [1, 'torn'],
    [2, 'CARD-0104'],
  ] as const) {
    const card = new BoxCard({ cardNo: '8800003921' });
    const meter = new BoxMeter(card);
    let channel = await put(card);
    const plan = must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE));
    card.cutAt({ at, made: true });
    expect(codeOf(await layout.apply(channel, plan))).toBe('CARD-0203');
    card.disarm();
    channel = await put(card);
    const image = await layout.readImage(channel);
    expect(image.ok ? layout.classify(plan, image.value) : image.error.code).toBe(verdict);
    if (verdict !== 'torn') continue;
    must(await layout.apply(channel, plan));
    expect(meter.visit(card).credited).toBe(3773);
  }
});

it('a card that was taken out is written no more, and a service that is away is offline', async () => {
  const card = new BoxCard({ cardNo: '8800003921' });
  const first = await put(card);
  const plan = must(layout.plan(must(await layout.read(first)), GOLDEN_PURCHASE));
  await put(card);
  expect(codeOf(await layout.apply(first, plan))).toBe('CARD-0102');
  expect(card.times).toBe(41);
  const away = until(reader, (s) => s.state === 'offline');
  await service.close();
  expect((await away).state).toBe('offline');
});
