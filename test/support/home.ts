import type { Page } from 'playwright-core';

/**
 * The start screen, for the next customer: who does not wait until the last one's thanks, or how
 * his money went back, have been read.
 */
export async function home(page: Page, timeout = 20_000): Promise<void> {
  const start = page.waitForSelector('[data-screen="start"]', { timeout });
  const thanks = page.locator(
    ':is([data-screen="done"], [data-screen="refunding"]) [data-intent="exit"]',
  );
  await Promise.race([start, thanks.click({ timeout }).catch(() => undefined)]);
  await start;
}
