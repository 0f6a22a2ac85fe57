import { readdirSync, readFileSync } from 'node:fs';

/**
 * Process ids of this process's children (or another's) whose command line contains `text`; zombies
 * are none. Linux only.
 */
export function childrenOf(text: string, parent = process.pid): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        // The name in brackets may hold anything; state and parent come after it.
        const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return (
          state !== 'Z' &&
          Number(ppid) === parent &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
        );
      } catch {
        return false;
      }
    });
}

/** True while this process runs (a zombie does not). Linux only. */
export function runs(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}
