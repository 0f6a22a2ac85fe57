import type { Page } from 'playwright-core';
import { until } from './hall.ts';

/**
 * The start screen, for the next customer: who does not wait until the last one's thanks, or how
 * his money went back, have been read. Nothing of it goes on afterwards: a press that waits would
 * be made on the next customer's screen.
 */
export async function home(page: Page, timeout = 20_000): Promise<void> {
  const thanks = page.locator(
    ':is([data-screen="done"], [data-screen="refunding"]) [data-intent="exit"]',
  );
  await until(
    'the start screen',
    async () => {
      if ((await page.locator('[data-screen="start"]').count()) > 0) return true;
      if ((await thanks.count()) > 0) await thanks.click({ timeout: 500 }).catch(() => undefined);
      return false;
    },
    timeout,
  );
}
