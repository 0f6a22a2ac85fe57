import { constants, open } from 'node:fs/promises';
import type { InputSource } from './evdev.ts';

/** Some hundred events: more than a jack sends in a quarter of a second. */
const MOST_BYTES = 4_096;

const isNothingYet = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === 'EAGAIN';

/**
 * An input device of Linux. It is opened so that a read never waits: one that waits would hold a
 * thread of the process until somebody touches the jack, and its end.
 */
export async function openInputFile(path: string): Promise<InputSource> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = new Uint8Array(MOST_BYTES);
  return {
    read: async () => {
      try {
        const { bytesRead } = await file.read(buffer, 0, MOST_BYTES, null);
        return buffer.slice(0, bytesRead);
      } catch (cause) {
        if (isNothingYet(cause)) return new Uint8Array();
        throw cause;
      }
    },
    close: () => file.close(),
  };
}
