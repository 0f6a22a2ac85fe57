import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { endShared } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The run's own folder, for {@link sharedDatabase}. */
    readonly postgresFolder: string;
  }
}

/** Nothing is started yet: a run that needs no PostgreSQL has none. */
export default function setup(project: TestProject): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-postgres-'));
  project.provide('postgresFolder', folder);
  return () => endShared(folder);
}
