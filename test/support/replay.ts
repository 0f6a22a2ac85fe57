import type { SerialLine } from '../../src/card/readers/serial-line.ts';
import type {
  CardConnection,
  PcscService,
  WatchedReader,
} from '../../src/card/readers/pcsc-service.ts';
import type { SerialFraming } from '../../src/card/readers/serial-line.ts';
import { fromHex, toHex } from '../../src/shared/bytes.ts';
import type { SlotCard } from '../../src/simulator/vpcd/client.ts';

/**
 * A transcript (docs/transcripts.md) that is read along while a driver runs: the first thing that
 * differs stops it.
 */
export class Script {
  readonly #lines: readonly { readonly text: string; readonly number: number }[];
  readonly #name: string;
  #at = 0;
  #deviation: string | null = null;

  constructor(name: string, text: string) {
    this.#name = name;
    this.#lines = text
      .split('\n')
      .map((line, i) => ({ text: line.trim(), number: i + 1 }))
      .filter((line) => line.text !== '' && !line.text.startsWith('#'));
  }

  /** The next line; empty at the end, and after a deviation. */
  peek(): string {
    return this.#deviation === null ? (this.#lines[this.#at]?.text ?? '') : '';
  }
  /** Takes the next line when it begins so. @returns the rest of it, or null */
  take(beginning: string): string | null {
    const line = this.peek();
    if (line !== beginning && !line.startsWith(`${beginning} `)) return null;
    this.#at++;
    return line.slice(beginning.length).trim();
  }
  /** The driver says this; the transcript must say it next. `XX` stands for any byte. */
  said(line: string): boolean {
    if (this.#deviation !== null) return false;
    const wanted = this.peek();
    const differs = firstDifference(wanted, line);
    if (differs < 0) {
      this.#at++;
      return true;
    }
    this.#deviation = [
      `${this.#name}:${this.#lines[this.#at]?.number ?? 'end'}: not as recorded`,
      `  recorded  ${wanted === '' ? '(nothing more)' : wanted}`,
      `  now       ${line}`,
      `            ${' '.repeat(differs)}^`,
    ].join('\n');
    return false;
  }
  /** @throws Error where the driver went another way, or stopped before the end */
  end(): void {
    if (this.#deviation !== null) throw new Error(this.#deviation);
    const left = this.#lines[this.#at];
    if (left !== undefined)
      throw new Error(`${this.#name}:${left.number}: the driver stopped before\n  ${left.text}`);
  }
}

/** Position of the first byte that differs; -1: none. */
function firstDifference(wanted: string, now: string): number {
  const prefix = /^[<=]> |^=> /.exec(now)?.[0].length ?? 0;
  for (let i = 0; i < Math.max(wanted.length, now.length); i++) {
    if (wanted[i] === now[i]) continue;
    const byte = i < prefix ? i : i - ((i - prefix) % 2);
    if (i >= prefix && wanted.slice(byte, byte + 2) === 'XX' && byte + 1 < now.length) continue;
    return byte;
  }
  return -1;
}

/** Bytes of an answer; what was masked is nobody's to know, and is zero. */
const bytesOf = (hex: string): Uint8Array => fromHex(hex.replaceAll('XX', '00'));

const STATE = { present: 0x20, empty: 0x10, mute: 0x200 } as const;

/** The PC/SC service with one reader, as they were recorded. */
export function replayPcsc(script: Script, name = 'Replayed 00 00'): PcscService {
  let events = 0;
  const listeners: {
    readonly status: ((s: { state: number; atr: Uint8Array }) => void)[];
    readonly error: ((e: Error) => void)[];
  } = { status: [], error: [] };
  const soon = (fn: () => void): void => queueMicrotask(fn);
  /** What the world did next. */
  const world = (): void => {
    for (;;) {
      const [atr, left, gone] = [script.take('insert'), script.take('remove'), script.take('gone')];
      if (atr === null && left === null && gone === null) return;
      const state =
        atr === null ? STATE.empty : atr === 'mute' ? STATE.present | STATE.mute : STATE.present;
      if (gone === null) {
        events++;
        const status = {
          state: events * 0x1_0000 + state,
          atr: atr === null || atr === 'mute' ? new Uint8Array(0) : fromHex(atr),
        };
        soon(() => listeners.status.forEach((l) => l(status)));
      } else soon(() => listeners.error.forEach((l) => l(new Error(gone))));
    }
  };
  const watched: WatchedReader = {
    name,
    on: (event: string, listener: never): void => {
      if (event === 'status') {
        listeners.status.push(listener);
        soon(() => {
          if (events === 0 && !script.peek().startsWith('insert'))
            listeners.status.forEach((l) => l({ state: STATE.empty, atr: new Uint8Array(0) }));
          world();
        });
      } else if (event === 'error') listeners.error.push(listener);
    },
  };
  class Replayed implements CardConnection {
    connected = false;
    connect(done: (error: Error | null, protocol: number) => void): void {
      const protocol = script.take('connect');
      const failed = protocol === null ? script.take('<!') : null;
      if (protocol === null && failed === null) script.said('connect');
      this.connected = protocol !== null;
      soon(() =>
        done(protocol === null ? new Error(failed ?? 'not as recorded') : null, Number(protocol)),
      );
      world();
    }
    disconnect(disposition: 'leave' | 'reset', done: (error: Error | null) => void): void {
      const word = disposition === 'reset' ? 'reset' : 'release';
      // A driver that is closed at the end lets go of its card: that need not be recorded.
      if (script.take(word) === null && !(word === 'release' && script.peek() === ''))
        script.said(word);
      const failed = script.take('<!');
      this.connected = false;
      soon(() => done(failed === null ? null : new Error(failed)));
      world();
    }
    transmit(
      data: Uint8Array,
      _protocol: number,
      done: (error: Error | null, value: Uint8Array) => void,
    ): void {
      const same = script.said(`=> ${toHex(data)}`);
      world();
      const answer = script.take('<=');
      const failed = answer === null ? script.take('<!') : null;
      // What came next may have been long after: the driver has its answer first.
      setImmediate(world);
      if (answer !== null) soon(() => done(null, bytesOf(answer)));
      else if (failed !== null || !same)
        soon(() => done(new Error(failed ?? 'not as recorded'), new Uint8Array(0)));
      // Else: the card never answered.
    }
  }
  return () => ({
    on: (event: string, listener: (value: never) => void) => {
      if (event === 'reader') soon(() => (listener as (reader: WatchedReader) => void)(watched));
    },
    connection: () => new Replayed(),
    close: () => {
      listeners.status.length = 0;
      listeners.error.length = 0;
    },
  });
}

/**
 * A card as it was recorded, for a virtual reader or a real pcscd: connections are the reader's,
 * and passed over.
 */
export function replayCard(script: Script): SlotCard {
  let atr: Uint8Array = new Uint8Array(0);
  const skip = (): void => {
    while (script.take('connect') !== null || script.take('release') !== null);
  };
  return {
    insert: () => {
      const told = script.take('insert');
      if (told === null) script.said('insert');
      else atr = told === 'mute' ? new Uint8Array(0) : fromHex(told);
    },
    remove: () => void script.take('remove'),
    reset: () => {
      skip();
      script.take('reset');
      skip();
      return atr;
    },
    answerToReset: () => atr,
    powerOff: () => undefined,
    process: (apdu) => {
      skip();
      if (!script.said(`=> ${toHex(apdu)}`)) return { kind: 'torn' };
      const answer = script.take('<=');
      if (answer !== null) return { kind: 'answer', bytes: bytesOf(answer) };
      return script.take('<!') === null ? { kind: 'silent' } : { kind: 'torn' };
    },
  };
}

/**
 * A serial device as it was recorded. Its questions for news come when the clock says: answered as
 * last, where none stands next.
 */
export function replaySerial(script: Script, framing: SerialFraming): () => Promise<SerialLine> {
  const question = toHex(framing.idle);
  return () => {
    let take: (bytes: Uint8Array) => void = () => undefined;
    let gone: (cause: unknown) => void = () => undefined;
    let news: readonly string[] = [];
    /** Handshake bytes of the host that belong to questions answered from memory. */
    let owed = 0;
    const tell = (answers: readonly string[]): void =>
      queueMicrotask(() => answers.forEach((hex) => take(bytesOf(hex))));
    return Promise.resolve({
      write: (bytes) => {
        const hex = toHex(bytes);
        if (hex === '06' && owed > 0) {
          owed--;
          return;
        }
        if (hex === question && script.peek() !== `=> ${question}` && news.length > 0) {
          owed++;
          tell(news);
          return;
        }
        if (!script.said(`=> ${hex}`)) return;
        const answers: string[] = [];
        for (let answer = script.take('<='); answer !== null; answer = script.take('<='))
          answers.push(answer);
        if (hex === question) news = answers;
        tell(answers);
        const lost = script.take('gone');
        if (lost !== null) queueMicrotask(() => gone(new Error(lost)));
      },
      onData: (listener) => {
        take = listener;
      },
      onClose: (listener) => {
        gone = listener;
      },
      close: () => Promise.resolve(),
    });
  };
}
