// Makes the kiosk's clips: dist/renderer/voice/LOCALE.clips, from the words of src/renderer/voice. Each clip is kept
// by its text and synthesiser (dist/voice-cache), so that a changed word costs one clip.
// Usage: node scripts/voice.mjs [--voices FILE] [--force]. PILOTLIGHT_VOICES names the file, too (docs/voice.md).
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { packClips } from '../src/renderer/voice/clip-file.ts';
import { clipTexts } from '../src/renderer/voice/clips.ts';
import { finished, measure } from '../src/shared/clip-level.ts';
import { CLIP_MS, isThere, packed, spokenText, synthesise, voicesOf } from './lib/speech.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const cache = path.join(root, 'dist', 'voice-cache');
const out = path.join(root, 'dist', 'renderer', 'voice');
/** Anything that changes how a clip sounds counts here. */
const MADE_BY = createHash('sha256')
  .update(readFileSync(path.join(root, 'scripts', 'lib', 'speech.mjs')))
  .update(readFileSync(path.join(root, 'src', 'shared', 'clip-level.ts')))
  .digest('hex');

const keyOf = (voice, said) =>
  createHash('sha256')
    .update(JSON.stringify([MADE_BY, voice, said]))
    .digest('hex')
    .slice(0, 32);

/** Makes one clip, or takes it from before. */
function clipOf(voice, said) {
  const file = path.join(cache, keyOf(voice, said));
  if (!existsSync(`${file}.json`)) {
    const samples = finished(synthesise(voice, said));
    const figures = measure(samples);
    if (figures.ms < CLIP_MS.least || figures.ms > CLIP_MS.most)
      throw new Error(`“${said}” sounds for ${figures.ms} ms`);
    writeFileSync(`${file}.ogg`, packed(samples));
    writeFileSync(`${file}.json`, JSON.stringify(figures));
  }
  return { file, ...JSON.parse(readFileSync(`${file}.json`, 'utf8')) };
}

function work() {
  for (const { voice, said } of workerData) clipOf(voice, said);
}

async function main() {
  const { values } = parseArgs({
    options: { voices: { type: 'string' }, force: { type: 'boolean', default: false } },
  });
  const voices = voicesOf(values.voices ?? process.env.PILOTLIGHT_VOICES);
  const missing = [...new Set(Object.values(voices).map((v) => v.command[0])), 'sox'].filter(
    (program) => !isThere(program, '--version') && !isThere(program, '--help'),
  );
  if (missing.length > 0) {
    console.log(`voice: not installed: ${missing.join(', ')}; the kiosk will be silent`);
    process.exit(3);
  }
  if (values.force) rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  mkdirSync(out, { recursive: true });
  const wanted = Object.entries(voices).map(([locale, voice]) => ({
    locale,
    voice,
    clips: [...clipTexts(locale)].map(([id, text]) => ({
      id,
      said: spokenText(text, locale, voice.spelled === true),
    })),
  }));
  await make(
    wanted.flatMap(({ voice, clips }) => clips.map(({ said }) => ({ voice, said }))),
    Math.max(1, availableParallelism()),
  );
  const used = new Set();
  for (const { locale, voice, clips } of wanted) {
    const bodies = clips.map(({ id, said }) => {
      const { file, ...figures } = clipOf(voice, said);
      used.add(path.basename(file));
      return { id, ...figures, body: readFileSync(`${file}.ogg`) };
    });
    const bytes = packClips(voice.command.join(' '), bodies);
    writeFileSync(path.join(out, `${locale}.clips`), bytes);
    const seconds = Math.round(bodies.reduce((sum, { ms }) => sum + ms, 0) / 1000);
    console.log(
      `voice: ${locale}: ${bodies.length} clips, ${seconds} s, ${(bytes.length / 1e6).toFixed(1)} MB`,
    );
  }
  // What no text says any more.
  for (const name of readdirSync(cache))
    if (!used.has(path.parse(name).name)) rmSync(path.join(cache, name));
}

/** The clips that are not there yet, on every core. */
async function make(jobs, workers) {
  const fresh = [...new Map(jobs.map((job) => [keyOf(job.voice, job.said), job]))]
    .filter(([key]) => !existsSync(path.join(cache, `${key}.json`)))
    .map(([, job]) => job);
  await Promise.all(
    Array.from({ length: workers }, (_, n) => {
      const mine = fresh.filter((_job, i) => i % workers === n);
      return new Promise((done, fail) => {
        const worker = new Worker(fileURLToPath(import.meta.url), { workerData: mine });
        worker.on('error', fail);
        worker.on('exit', () => done());
      });
    }),
  );
}

if (isMainThread) {
  try {
    await main();
  } catch (error) {
    console.error(`voice: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
} else work();
