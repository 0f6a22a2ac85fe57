/**
 * All clips of a language in one file: four bytes with the length of the list that follows (JSON),
 * then the clips one behind the other, each a whole Ogg file. The build writes it
 * (scripts/voice.mjs).
 */

/** Where a clip is, from the end of the list on, and what the build measured of it. */
export interface ClipEntry {
  readonly at: number;
  readonly bytes: number;
  readonly ms: number;
  /** Of full scale, before it was packed: dBFS. */
  readonly peakDb: number;
  readonly loudDb: number;
}
/** The list at a clip file's head. */
export interface ClipList {
  readonly clips: Readonly<Record<string, ClipEntry>>;
  /** Which synthesiser made it. */
  readonly voice: string;
}

const HEAD_BYTES = 4;

/** The bytes of a clip file. */
export function packClips(
  voice: string,
  clips: readonly (Omit<ClipEntry, 'at' | 'bytes'> & {
    readonly id: string;
    readonly body: Uint8Array;
  })[],
): Uint8Array {
  let at = 0;
  const entries: Record<string, ClipEntry> = {};
  for (const { id, body, ms, peakDb, loudDb } of clips) {
    entries[id] = { at, bytes: body.length, ms, peakDb, loudDb };
    at += body.length;
  }
  const list = new TextEncoder().encode(JSON.stringify({ voice, clips: entries }));
  const file = new Uint8Array(HEAD_BYTES + list.length + at);
  new DataView(file.buffer).setUint32(0, list.length, true);
  file.set(list, HEAD_BYTES);
  for (const { id, body } of clips)
    file.set(body, HEAD_BYTES + list.length + (entries[id] as ClipEntry).at);
  return file;
}

/** A clip file as it was read; null: it is none. */
export function openClips(
  file: ArrayBuffer,
): { readonly list: ClipList; readonly body: (id: string) => ArrayBuffer | null } | null {
  try {
    const length = new DataView(file).getUint32(0, true);
    const from = HEAD_BYTES + length;
    const list = JSON.parse(
      new TextDecoder().decode(new Uint8Array(file, HEAD_BYTES, length)),
    ) as ClipList;
    return {
      list,
      body: (id) => {
        const entry = list.clips[id];
        return entry === undefined
          ? null
          : file.slice(from + entry.at, from + entry.at + entry.bytes);
      },
    };
  } catch {
    return null;
  }
}
