// From a text to a clip: a synthesiser's command, cut to what sounds, brought to one loudness, packed by sox.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CLIP_RATE as RATE, rawOf, samplesOf } from '../../src/shared/clip-level.ts';
import { spelledChinese, spokenChinese, spokenEnglish } from '../../src/shared/pronunciation.ts';

/** No clip is shorter or longer. A clip that was cut to nothing was no speech. */
export const CLIP_MS = { least: 80, most: 40_000 };
/** Samples without a head, as sox is told. */
const RAW = `-t raw -r ${RATE} -c 1 -b 16 -e signed-integer`.split(' ');
/**
 * The synthesisers of a build. `command`: a program and its arguments; the text comes on its
 * standard input, a WAV file is expected at {out}, or on standard output where no argument names
 * it. `spelled`: Chinese is given with pinyin where characters alone would be read wrongly; false
 * for voices that know Chinese.
 */
export const ESPEAK = {
  'zh-CN': {
    command: ['espeak-ng', '-v', 'cmn-latn-pinyin', '-s', '165', '--stdin', '--stdout'],
    spelled: true,
  },
  en: { command: ['espeak-ng', '-v', 'en-gb', '-s', '150', '--stdin', '--stdout'], spelled: false },
};

/** What is sent to a synthesiser for a text of the screen. */
export function spokenText(text, locale, spelled) {
  if (locale === 'en') return spokenEnglish(text);
  return spelled ? spelledChinese(text) : spokenChinese(text);
}

function runs(command, args, options) {
  const run = spawnSync(command, args, { maxBuffer: 64 << 20, timeout: 60_000, ...options });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error(`${command}: ${run.stderr || run.status}`);
  return run.stdout;
}

/** Whether a program can be started at all. */
export const isThere = (command, ...args) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** What a synthesiser says of a text, as samples between -1 and 1. */
export function synthesise(voice, text) {
  const folder = mkdtempSync(path.join(tmpdir(), 'pilotlight-clip-'));
  try {
    const out = path.join(folder, 'clip.wav');
    const [program, ...args] = voice.command.map((part) => part.replaceAll('{out}', out));
    const named = voice.command.some((part) => part.includes('{out}'));
    const said = runs(program, args, { input: `${text}\n` });
    if (!named) writeFileSync(out, said);
    // Whatever rate, channels and length field the synthesiser wrote. A length that a pipe could not
    // know is ignored.
    const raw = runs('sox', ['--ignore-length', out, ...RAW, '-']);
    return samplesOf(raw);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Packed as Ogg Vorbis, which every Chromium plays. */
export function packed(samples) {
  return runs('sox', ['-D', ...RAW, '-', '-t', 'ogg', '-C', '-1', '-'], { input: rawOf(samples) });
}

/** What sox makes of a packed clip again: for tests. */
export function unpacked(bytes) {
  return samplesOf(runs('sox', ['-t', 'ogg', '-', ...RAW, '-'], { input: bytes }));
}

/** Phonemes as espeak-ng would say them: for comparing two spellings. */
export const phonemes = (text) =>
  runs('espeak-ng', ['-q', '-v', 'cmn-latn-pinyin', '-x', '--stdin'], { input: `${text}\n` })
    .toString('utf8')
    .replace(/\s+/g, ' ')
    .trim();

/** The synthesisers as configured: a JSON file of the shape of {@link ESPEAK}, part by part. */
export function voicesOf(file) {
  if (file === undefined || file === '') return ESPEAK;
  const given = JSON.parse(readFileSync(file, 'utf8'));
  for (const [locale, voice] of Object.entries(given)) {
    if (!(locale in ESPEAK)) throw new Error(`${file}: no such language: ${locale}`);
    if (!Array.isArray(voice.command) || voice.command.some((part) => typeof part !== 'string'))
      throw new Error(`${file}: ${locale}.command must be a list of texts`);
  }
  return { ...ESPEAK, ...given };
}
