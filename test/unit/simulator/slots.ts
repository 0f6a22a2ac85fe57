import { bytesOf, hexOf } from '../../../src/simulator/card/codec.ts';
import type { SlotCard } from '../../../src/simulator/vpcd/client.ts';

/** Sends commands one after the other; the last answer in hex, or what became of it. */
export function say(slot: SlotCard, ...commands: readonly string[]): string {
  let last = '';
  for (const hex of commands) {
    const outcome = slot.process(bytesOf(hex));
    last = outcome.kind === 'answer' ? hexOf(outcome.bytes) : outcome.kind;
  }
  return last;
}
