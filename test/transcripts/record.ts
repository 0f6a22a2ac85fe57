import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CrtReader, PcscReader } from '../../src/card/index.ts';
import type { CardLayout, CardReader } from '../../src/card/index.ts';
import { CRT_FRAMING } from '../../src/card/readers/crt/frames.ts';
import type { SerialLine } from '../../src/card/readers/serial-line.ts';
import { recordPcsc, recordSerial, serialTranscript } from '../../src/card/readers/record.ts';
import { Transcript } from '../../src/card/readers/transcript.ts';
import { pcscService } from '../../src/main/pcsc/service.ts';
import { sampleCard } from '../../src/simulator/card/catalogue.ts';
import { crtSle4442 } from '../../src/simulator/reader/crt-memory.ts';
import { CRT_571_MOVES, CrtDevice } from '../../src/simulator/reader/crt.ts';
import { CardSlot } from '../../src/simulator/vpcd/client.ts';
import type { SlotCard } from '../../src/simulator/vpcd/client.ts';
import { systemClock } from '../support/clock.ts';
import { preparePcscd } from '../support/pcscd.ts';
import { acs, golden4442, pl4442 } from '../unit/card/chips.ts';
import {
  cardIn,
  GOLDEN_CHALLENGES,
  GOLDEN_PURCHASE,
  must,
  plCpu,
  scriptedRandom,
  until,
} from '../unit/card/rig.ts';

/**
 * Makes the transcripts of this folder anew: node test/transcripts/record.ts (root; pcscd with
 * vpcd). Sample cards and sample keys only.
 */
const save = (name: string, what: string, lines: readonly string[]): void =>
  writeFileSync(
    fileURLToPath(new URL(`${name}.txt`, import.meta.url)),
    [`# Pilotlight transcript: ${what}`, ...lines, ''].join('\n'),
  );

async function purchase(
  reader: CardReader,
  layout: CardLayout,
  note: (text: string) => void,
): Promise<void> {
  const channel = await cardIn(reader, 20_000);
  note('the card is read');
  const plan = must(layout.plan(must(await layout.read(channel)), GOLDEN_PURCHASE));
  note('the purchase');
  must(await layout.apply(channel, plan));
  note('reset and read back');
  must(await channel.reset());
  if (layout.classify(plan, must(await layout.readImage(channel))) !== 'after')
    throw new Error('not written');
}

const pcscd = await preparePcscd();
await pcscd.start();
for (const [name, what, layout, card] of [
  [
    'pl-cpu-pcscd',
    'PL-CPU, the golden purchase, through pcscd 1.9.9 and vpcd',
    plCpu,
    sampleCard('golden').make(scriptedRandom(...GOLDEN_CHALLENGES)),
  ],
  [
    'pl-4442-acs',
    'PL-4442, the golden purchase, in the ACS dialect through pcscd 1.9.9 and vpcd',
    pl4442,
    acs(golden4442()),
  ],
] as const satisfies readonly (readonly [string, string, CardLayout, SlotCard])[]) {
  const lines: string[] = [];
  const transcript = new Transcript((line) => void lines.push(line), false);
  const recorded = recordPcsc(
    pcscService(systemClock, () => undefined),
    () => transcript,
  );
  const reader = new PcscReader({
    id: 'r',
    match: 'virtual pcd',
    model: 'acs',
    clock: systemClock,
    log: () => undefined,
    service: recorded,
  });
  await until(reader, (s) => s.state === 'empty');
  const slot = new CardSlot({ host: '127.0.0.1', port: pcscd.port, clock: systemClock });
  slot.insert(card);
  await purchase(reader, layout, (text) => transcript.note(text));
  slot.remove();
  await until(reader, (s) => s.state === 'empty');
  await reader.close();
  save(name, what, lines);
}
await pcscd.stop();

const lines: string[] = [];
const transcript = serialTranscript((line) => void lines.push(line), false, CRT_FRAMING);
let toHost: (bytes: Uint8Array) => void = () => undefined;
const device = new CrtDevice({
  clock: systemClock,
  firmware: 'CRT-571-F2 V1.10',
  move: CRT_571_MOVES,
  initKeep: 0x33,
  motionMs: 20,
  send: (bytes) => toHost(bytes),
});
const cable: SerialLine = {
  write: (bytes) => device.receive(bytes),
  onData: (listener) => {
    toHost = (bytes) => queueMicrotask(() => listener(bytes));
  },
  onClose: () => undefined,
  close: () => Promise.resolve(),
};
const reader = new CrtReader({
  id: 'crt',
  path: '/dev/ttyS0',
  open: () => recordSerial(() => Promise.resolve(cable), CRT_FRAMING, transcript),
  clock: systemClock,
  log: () => undefined,
});
while (!device.entryOn)
  await new Promise((done) => {
    setTimeout(done, 20);
  });
device.offer({ kind: 'memory', card: crtSle4442(golden4442()) });
await purchase(reader, pl4442, (text) => transcript.note(text));
transcript.note('given back, and taken');
must(await reader.gate.eject());
await until(reader, (s) => s.state === 'leaving');
await new Promise((done) => {
  setTimeout(done, 600);
});
device.take();
while (!device.entryOn)
  await new Promise((done) => {
    setTimeout(done, 20);
  });
await reader.close();
save('pl-4442-crt', 'PL-4442, the golden purchase, in a simulated CRT-571', lines);
process.exit(0);
