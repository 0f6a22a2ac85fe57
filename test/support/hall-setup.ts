import { rmSync } from 'node:fs';
import { Hall, TEMPLATE } from './hall.ts';

/** The data that the run's halls begin with, made once: see {@link Hall.template}. */
export default async function setup(): Promise<() => void> {
  const folder = await Hall.template();
  // The workers begin later, and inherit it.
  process.env[TEMPLATE] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
