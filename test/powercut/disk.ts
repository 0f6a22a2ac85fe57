import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Op } from './recording.ts';

const SECTOR = 512;

/**
 * What the disk may have done with writes, truncations and folder changes that were not synced when
 * the power went.
 */
export type Fate = 'kept' | 'dropped' | 'torn';

type DataOp = { readonly at: number; readonly bytes: Buffer } | { readonly size: number };
interface Inode {
  /** As of the last fsync. */
  synced: Buffer;
  pending: DataOp[];
  /** As the process sees it. */
  size: number;
}
type EntryOp = {
  readonly folder: string;
  readonly path: string;
  readonly inode: Inode | null;
  /** Of a rename: both halves happen or none does. */
  readonly twin: symbol | null;
};

/**
 * Files as a disk with a volatile cache has them: data durable by fsync of the file, names by fsync
 * of the folder.
 */
export class Disk {
  readonly #root: string;
  /** Names as the process sees them. */
  readonly #names = new Map<string, Inode>();
  /** Names on the disk for certain. */
  readonly #durable = new Map<string, Inode>();
  /** Changes of names since their folder was last synced, in order. */
  #entries: EntryOp[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  /** `syncs` false: this fsync is left out of the recording. */
  apply(op: Op, syncs = true): void {
    switch (op.op) {
      case 'create': {
        const there = this.#names.get(op.path);
        if (there === undefined)
          this.#name(op.path, { synced: Buffer.alloc(0), pending: [], size: 0 });
        else if (op.truncate) this.#data(there, { size: 0 });
        return;
      }
      case 'write': {
        const inode = this.#names.get(op.path);
        // Of a file that was unlinked while open: nobody finds it again.
        if (inode !== undefined) this.#data(inode, { at: op.at ?? inode.size, bytes: op.bytes });
        return;
      }
      case 'truncate': {
        const inode = this.#names.get(op.path);
        if (inode !== undefined) this.#data(inode, { size: op.size });
        return;
      }
      case 'unlink':
        this.#name(op.path, null);
        return;
      case 'rename': {
        const inode = this.#names.get(op.from);
        if (inode === undefined) return;
        const twin = Symbol('rename');
        this.#name(op.from, null, twin);
        this.#name(op.to, inode, twin);
        return;
      }
      case 'sync': {
        if (!syncs) return;
        const inode = this.#names.get(op.path);
        if (inode === undefined) this.#syncFolder(op.path);
        else {
          inode.synced = settle(inode, () => true);
          inode.pending = [];
        }
        return;
      }
      case 'mark':
        return;
    }
  }

  #name(path: string, inode: Inode | null, twin: symbol | null = null): void {
    if (inode === null) this.#names.delete(path);
    else this.#names.set(path, inode);
    this.#entries.push({ folder: dirname(path), path, inode, twin });
  }
  #data(inode: Inode, op: DataOp): void {
    inode.pending.push(op);
    inode.size = 'size' in op ? op.size : Math.max(inode.size, op.at + op.bytes.length);
  }
  #syncFolder(folder: string): void {
    const done = closed(this.#entries, new Set(this.#entries.filter((e) => e.folder === folder)));
    for (const e of this.#entries) if (done.has(e)) set(this.#durable, e);
    this.#entries = this.#entries.filter((e) => !done.has(e));
  }

  /** Writes the files as they may be found after the power went now. `dice` gives numbers in [0, 1). */
  image(target: string, fate: Fate, dice: () => number): void {
    const names = new Map(this.#durable);
    for (const e of this.#entriesThatHappened(fate, dice)) set(names, e);
    for (const [path, inode] of names) {
      if (path.endsWith('-shm') || path.endsWith('core.lock')) continue;
      const to = join(target, relative(this.#root, path));
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(
        to,
        settle(
          inode,
          fate === 'kept' ? () => true : fate === 'dropped' ? () => false : () => dice() < 0.5,
        ),
      );
    }
  }

  /** Of each folder's changes a part from the oldest on; a rename whole. */
  #entriesThatHappened(fate: Fate, dice: () => number): EntryOp[] {
    if (fate === 'kept') return this.#entries;
    if (fate === 'dropped') return [];
    const chosen = new Set<EntryOp>();
    for (const own of Map.groupBy(this.#entries, (e) => e.folder).values())
      for (const e of own.slice(0, Math.floor(dice() * (own.length + 1)))) chosen.add(e);
    const done = closed(this.#entries, chosen);
    return this.#entries.filter((e) => done.has(e));
  }
}

/** With a rename's one half goes the other, and with each change those before it in its folder. */
function closed(all: readonly EntryOp[], chosen: ReadonlySet<EntryOp>): Set<EntryOp> {
  const done = new Set(chosen);
  for (let size = -1; size !== done.size;) {
    size = done.size;
    const twins = new Set([...done].map((e) => e.twin).filter((t) => t !== null));
    for (const e of all) if (e.twin !== null && twins.has(e.twin)) done.add(e);
    const reached = new Set<string>();
    for (const e of all.toReversed()) {
      if (done.has(e)) reached.add(e.folder);
      else if (reached.has(e.folder)) done.add(e);
    }
  }
  return done;
}

function set(names: Map<string, Inode>, e: EntryOp): void {
  if (e.inode === null) names.delete(e.path);
  else names.set(e.path, e.inode);
}

/** The content with those unsynced sectors that `kept` says made it to the disk. */
function settle(inode: Inode, kept: () => boolean): Buffer {
  let bytes = inode.synced;
  for (const op of inode.pending) {
    if ('size' in op) {
      if (!kept()) continue;
      const next = Buffer.alloc(op.size);
      bytes.copy(next, 0, 0, Math.min(op.size, bytes.length));
      bytes = next;
      continue;
    }
    for (let at = op.at; at < op.at + op.bytes.length;) {
      const end = Math.min(op.at + op.bytes.length, (Math.floor(at / SECTOR) + 1) * SECTOR);
      if (kept()) {
        if (bytes === inode.synced || end > bytes.length) {
          const next = Buffer.alloc(Math.max(end, bytes.length));
          bytes.copy(next);
          bytes = next;
        }
        op.bytes.copy(bytes, at, at - op.at, end - op.at);
      }
      at = end;
    }
  }
  return bytes;
}
