import { closeSync, existsSync, fstatSync, openSync, readSync, statSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * Follows a file that only grows: every new whole line, as soon as the kernel says that there is
 * one.
 */
export class Tail {
  readonly #listeners = new Set<(line: string) => void>();
  readonly #file: string;
  readonly #watcher: FSWatcher;
  #fd: number | null = null;
  #at: number;
  #rest = '';

  constructor(file: string) {
    this.#file = file;
    this.#at = existsSync(file) ? statSync(file).size : 0;
    // The folder, since the file may not be there yet.
    this.#watcher = watch(dirname(file), (_, name) => {
      if (name === basename(file)) this.#read();
    });
  }

  /** @returns how to stop listening */
  on(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  close(): void {
    this.#watcher.close();
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #read(): void {
    if (this.#fd === null && !existsSync(this.#file)) return;
    this.#fd ??= openSync(this.#file, 'r');
    const { size } = fstatSync(this.#fd);
    // A torn last line was cut off.
    if (size < this.#at) {
      this.#at = size;
      this.#rest = '';
    }
    if (size === this.#at) return;
    const chunk = Buffer.alloc(size - this.#at);
    this.#at += readSync(this.#fd, chunk, 0, chunk.length, this.#at);
    const lines = (this.#rest + chunk.toString('utf8')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) for (const listener of this.#listeners) listener(line);
  }
}
