import { Torn } from '../../../src/simulator/card/chip.ts';
import type { ChipFault, MemoryChip } from '../../../src/simulator/card/chip.ts';

/** True: the power went while acting. */
export function tornBy(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    if (error instanceof Torn) return true;
    throw error;
  }
}

/**
 * What every memory chip does with faults; throws the first thing that is not so. `change` makes at
 * least one change, `read` none; both are commands that work without a code or after `prepare`.
 */
export function faultsOf<C extends MemoryChip>(
  make: () => C,
  prepare: (chip: C) => void,
  change: (chip: C) => void,
  read: (chip: C) => void,
): readonly string[] {
  const said: string[] = [];
  const fresh = (): C => {
    const chip = make();
    chip.powerOn();
    prepare(chip);
    return chip;
  };
  const image = (chip: C): string => JSON.stringify(chip);
  const armed = (fault: ChipFault): C => {
    const chip = fresh();
    chip.arm(fault);
    return chip;
  };

  const before = armed({ atCommand: 2, when: 'before' });
  const start = image(before);
  read(before);
  said.push(
    `torn before: ${tornBy(() => change(before))}, ${before.torn}, unchanged: ${image(before) === start}`,
  );
  said.push(`without power: ${tornBy(() => read(before))}`);
  before.powerOn();
  read(before);
  said.push(`back: ${before.torn}`);

  const after = armed({ atCommand: 1, when: 'after' });
  said.push(`torn after: ${tornBy(() => change(after))}, unchanged: ${image(after) === start}`);

  const lying = armed({ lie: 1_000 });
  change(lying);
  said.push(`lie, unchanged: ${image(lying) === start}`);

  const disarmed = armed({ lie: 1_000 });
  disarmed.arm({ afterOps: 1, inFlight: 'old' });
  disarmed.arm({ atCommand: 1, when: 'before' });
  disarmed.disarm();
  change(disarmed);
  said.push(`disarmed, unchanged: ${image(disarmed) === start}`);

  const mute = armed({ mute: true });
  said.push(`mute: ${String(mute.powerOn())}, ${tornBy(() => read(mute))}`);

  const heard = fresh();
  let calls = 0;
  heard.onChange(() => calls++);
  const ops = heard.ops;
  const busy = heard.busyMs;
  read(heard);
  said.push(`read changes: ${heard.ops - ops}, ${calls}`);
  change(heard);
  said.push(`change changes: ${heard.ops > ops}, ${calls > 0}, ${heard.busyMs > busy}`);
  return said;
}

/** What `faultsOf` says of a chip that is as it should be. */
export const GOOD_FAULTS: readonly string[] = [
  'torn before: true, true, unchanged: true',
  'without power: true',
  'back: false',
  'torn after: true, unchanged: false',
  'lie, unchanged: true',
  'disarmed, unchanged: false',
  'mute: null, true',
  'read changes: 0, 0',
  'change changes: true, true, true',
];
