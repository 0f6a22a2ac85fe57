import { readFileSync, readdirSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { CHROMIUM_ARGS, chromiumPath } from '../../test/support/hall.ts';

/** A Chromium without a graphics card, and its process. */
export async function launch(): Promise<{ readonly browser: Browser; readonly pid: number }> {
  const before = new Set(children(process.pid));
  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: CHROMIUM_ARGS,
  });
  const pid = children(process.pid).find((child) => !before.has(child)) ?? 0;
  return { browser, pid };
}

function stat(pid: number): { readonly parent: number; readonly ticks: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return null;
  }
}

function children(of: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && stat(pid)?.parent === of);
}

/** A clock tick of the kernel, as Linux reports process times on every usual machine. */
const TICKS_PER_SECOND = 100;

/** Processor time that a process and all below it have taken, ms. */
export function cpuMs(pid: number): number {
  const own = stat(pid)?.ticks ?? 0;
  return (
    (own * 1000) / TICKS_PER_SECOND + children(pid).reduce((sum, child) => sum + cpuMs(child), 0)
  );
}
