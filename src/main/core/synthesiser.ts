import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { CLIP_RATE, finished, rawOf, samplesOf } from '../../shared/clip-level.ts';
import type { Locale } from '../../shared/contract/index.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { spelledChinese, spokenEnglish } from '../../shared/pronunciation.ts';
import { spokenPart } from '../../shared/spoken-text.ts';

/** Makes clips of texts that come by policy. */
export interface Synthesiser {
  /** A WAV file. Null: there is none, and the text stays silent. Never throws. */
  clip(text: string, locale: Locale): Promise<Uint8Array | null>;
}

/** espeak-ng on its standard streams, by language. */
export const ESPEAK_COMMANDS: Readonly<Record<Locale, readonly string[]>> = {
  'zh-CN': ['espeak-ng', '-v', 'cmn-latn-pinyin', '-s', '165', '--stdin', '--stdout'],
  en: ['espeak-ng', '-v', 'en-gb', '-s', '150', '--stdin', '--stdout'],
};
/** Speech is made much faster than it is said; a child that takes longer hangs. */
export const SYNTHESIS_MS = 15_000;
/** A minute of speech, and more. */
const MAX_WAV_BYTES = 4 << 20;
const WAV_HEAD_BYTES = 44;

/** 16 bit samples of a WAV file at {@link CLIP_RATE}; null: it is another kind of file. */
function samplesOfWav(wav: Buffer): Float32Array | null {
  if (wav.length <= WAV_HEAD_BYTES || wav.toString('latin1', 0, 4) !== 'RIFF') return null;
  const asWanted =
    wav.readUInt16LE(20) === 1 &&
    wav.readUInt16LE(22) === 1 &&
    wav.readUInt32LE(24) === CLIP_RATE &&
    wav.readUInt16LE(34) === 16;
  // A length that was written to a pipe before it was known says nothing: the rest is samples.
  return asWanted ? samplesOf(wav.subarray(WAV_HEAD_BYTES)) : null;
}

/** A WAV file of one channel and 16 bits. */
function wavOf(samples: Float32Array): Uint8Array {
  const raw = rawOf(samples);
  const head = Buffer.alloc(WAV_HEAD_BYTES);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(WAV_HEAD_BYTES - 8 + raw.length, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(CLIP_RATE, 24);
  head.writeUInt32LE(CLIP_RATE * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(raw.length, 40);
  return Buffer.concat([head, raw]);
}

/**
 * A child of its own for each text: what crashes, hangs or writes without an end costs one clip and
 * no sale. The text comes on its standard input, so that no text is an argument.
 */
export function espeakSynthesiser(
  clock: Clock,
  log: LogFn,
  commands: Readonly<Record<Locale, readonly string[]>> = ESPEAK_COMMANDS,
): Synthesiser {
  /** Said once; a program that is not installed is not looked for again. */
  let absent = false;
  return {
    clip: async (text, locale) => {
      const part = spokenPart(text, locale);
      if (absent || part === '') return null;
      const said = locale === 'en' ? spokenEnglish(part) : spelledChinese(part);
      const answer = await runChild(commands[locale], `${said}\n`, clock);
      if (answer.wav === null) {
        absent = answer.why === 'ENOENT';
        log('warn', 'voice', `a text of the policy stays silent: ${answer.why}`);
        return null;
      }
      const samples = samplesOfWav(answer.wav);
      const clip = samples === null ? null : finished(samples);
      return clip === null || clip.length === 0 ? null : wavOf(clip);
    },
  };
}

type ChildAnswer = { readonly wav: Buffer } | { readonly wav: null; readonly why: string };

function runChild(command: readonly string[], input: string, clock: Clock): Promise<ChildAnswer> {
  return new Promise((resolve) => {
    const [program = '', ...args] = command;
    let child: ChildProcessByStdio<Writable, Readable, null>;
    try {
      child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], windowsHide: true });
    } catch (error) {
      return resolve({ wav: null, why: (error as NodeJS.ErrnoException).code ?? String(error) });
    }
    // A machine without a free file has no pipes for it either: its `error` comes later.
    const { stdin, stdout } = child as Partial<typeof child>;
    const parts: Buffer[] = [];
    let bytes = 0;
    let over = false;
    const end = (answer: ChildAnswer): void => {
      if (over) return;
      over = true;
      cancel();
      child.kill('SIGKILL');
      resolve(answer);
    };
    const cancel = clock.after(SYNTHESIS_MS, () =>
      end({ wav: null, why: `no answer in ${SYNTHESIS_MS} ms` }),
    );
    child.on('error', (error: NodeJS.ErrnoException) =>
      end({ wav: null, why: error.code ?? error.message }),
    );
    stdout?.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > MAX_WAV_BYTES) end({ wav: null, why: 'longer than any text' });
      else parts.push(part);
    });
    // Both streams have their say before `close`.
    child.on('close', (code, signal) =>
      end(
        code === 0
          ? { wav: Buffer.concat(parts) }
          : { wav: null, why: `ended with ${signal ?? String(code)}` },
      ),
    );
    // A child that is gone does not read.
    stdin?.on('error', () => undefined);
    stdin?.end(input);
  });
}
