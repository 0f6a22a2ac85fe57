import { hostPcsc } from '../../card/readers/pcsc-host.ts';
import { systemClock } from '../ports.ts';

/** Makes this process the one that holds the PC/SC package, for as long as its driver lives. */
export function servePcsc(): void {
  /** Not by process.exit(): that waits for native calls under way, and one of them may never end. */
  const end = (): void => void process.kill(process.pid, 'SIGKILL');
  // The driver is gone, and with it every reason to hold a card.
  process.on('disconnect', end);
  // A signal to the whole group is the core's to judge: it ends a write first, and then this
  // process.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => undefined);
  // Where a message cannot be sent any more, the channel's end says so.
  process.on(
    'message',
    hostPcsc({
      clock: systemClock,
      send: (message) => void process.send?.(message, undefined, undefined, () => undefined),
      end,
    }),
  );
}
