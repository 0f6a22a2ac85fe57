import type { SimulatedPrinter } from './printer.ts';

/** A line inside one process: answers come at once. Rejects while the printer is off. */
export function inProcessPort(paper: SimulatedPrinter): {
  readonly keeps: false;
  readonly open: () => Promise<{
    readonly write: (bytes: Uint8Array) => void;
    readonly onData: (listener: (bytes: Uint8Array) => void) => void;
    readonly onClose: (listener: (cause: unknown) => void) => void;
    readonly close: () => Promise<void>;
  }>;
} {
  const open = () => {
    if (paper.condition.off) return Promise.reject(new Error('the printer is off'));
    let hear: (bytes: Uint8Array) => void = () => undefined;
    let gone: (cause: unknown) => void = () => undefined;
    let there = true;
    const end = paper.plug(
      (bytes) => hear(bytes),
      () => {
        there = false;
        end.gone();
        gone(new Error('the line was cut'));
      },
    );
    return Promise.resolve({
      write: (bytes: Uint8Array) => {
        if (there) end.receive(bytes);
      },
      onData: (listener: (bytes: Uint8Array) => void) => {
        hear = listener;
      },
      onClose: (listener: (cause: unknown) => void) => {
        gone = listener;
      },
      close: () => {
        there = false;
        end.gone();
        return Promise.resolve();
      },
    });
  };
  return { keeps: false, open };
}
