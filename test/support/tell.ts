import type { Page } from 'playwright-core';
import { afterEach } from 'vitest';
import type { Hall } from './hall.ts';

/**
 * A failed test tells what its hall showed and had. Called after the other hooks are named: of
 * those that follow a test, the last named runs first.
 */
export function tellFailures(
  what: () => { readonly hall: Hall | undefined; readonly page: Page | null | undefined },
): void {
  afterEach(async ({ task }) => {
    const { hall, page } = what();
    if (task.result?.state === 'fail' && hall !== undefined)
      console.log(await hall.story(page ?? null));
  });
}
