import { constants, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { concatBytes } from '../../shared/bytes.ts';
import type { Clock } from '../../shared/ports.ts';
import type { PrinterLine } from './line.ts';

/** Between two looks for what it said, or whether it takes more; it is open while it is used only. */
const LOOK_MS = 5;
const MOST_BYTES = 512;
/** At one look: a device that speaks without an end is open and closed like any other. */
const MOST_READS = 16;

/** Nothing to read yet, or no room to write. */
const isNotYet = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === 'EAGAIN';

/** One open character device: looks for answers in turns, writes as it is let. */
class FileLine implements PrinterLine {
  readonly #file: FileHandle;
  readonly #clock: Clock;
  readonly #buffer = new Uint8Array(MOST_BYTES);
  #onData: (bytes: Uint8Array) => void = () => undefined;
  #onClose: (cause: unknown) => void = () => undefined;
  #waiting: Uint8Array = new Uint8Array();
  #writing = false;
  #over = false;
  #cancel: () => void = () => undefined;

  constructor(file: FileHandle, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  readonly write = (bytes: Uint8Array): void => {
    this.#waiting = concatBytes(this.#waiting, bytes);
    if (!this.#writing) void this.#write();
  };
  readonly onData = (listener: (bytes: Uint8Array) => void): void => {
    this.#onData = listener;
  };
  readonly onClose = (listener: (cause: unknown) => void): void => {
    this.#onClose = listener;
  };
  readonly close = async (): Promise<void> => {
    if (this.#over) return;
    this.#over = true;
    this.#cancel();
    await this.#file.close().catch(() => undefined);
  };

  /** Takes what it has to say; what was said before anybody listens is dropped. */
  async read(): Promise<void> {
    for (let n = 0; n < MOST_READS && !this.#over; n++) if (!(await this.#readOnce())) break;
    if (!this.#over) this.#cancel = this.#clock.after(LOOK_MS, () => void this.read());
  }

  /** @returns whether there may be more. usblp reads nothing at all as zero bytes. */
  async #readOnce(): Promise<boolean> {
    try {
      const { bytesRead } = await this.#file.read(this.#buffer, 0, MOST_BYTES, null);
      if (bytesRead > 0 && !this.#over) this.#onData(this.#buffer.slice(0, bytesRead));
      return bytesRead === MOST_BYTES;
    } catch (cause) {
      if (!isNotYet(cause)) this.#gone(cause);
      return false;
    }
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0 && !this.#over) {
      const written = await this.#writeOnce();
      this.#waiting = this.#waiting.subarray(written);
      if (written === 0 && !this.#over)
        await new Promise<void>((again) => void this.#clock.after(LOOK_MS, again));
    }
    this.#writing = false;
  }

  async #writeOnce(): Promise<number> {
    try {
      return (await this.#file.write(this.#waiting)).bytesWritten;
    } catch (cause) {
      if (!isNotYet(cause)) this.#gone(cause);
      return 0;
    }
  }

  #gone(cause: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancel();
    void this.#file.close().catch(() => undefined);
    this.#onClose(cause);
  }
}

/**
 * A printer that is a character device which is read and written, `/dev/usb/lp0` (Linux, usblp). It
 * is opened so that neither reading nor writing ever waits: a thread that waits for a printer
 * without paper would be one of the process's four. Rejects while it is unplugged.
 */
export async function openPrinterFile(path: string, clock: Clock): Promise<PrinterLine> {
  const file = await open(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
  const line = new FileLine(file, clock);
  await line.read();
  return line;
}
