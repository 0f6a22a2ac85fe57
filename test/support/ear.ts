import type { Page } from 'playwright-core';
import type { SaidDetail } from '../../src/renderer/voice/sound.ts';
import { until } from './hall.ts';

/** Hears what a page says: the clips of each sentence, as it begins to sound. */
export class Ear {
  /** All that was heard. */
  readonly said: SaidDetail[] = [];
  #from = 0;

  /** Before the page is loaded. */
  async listenTo(page: Page): Promise<void> {
    await page.exposeFunction('tellSaid', (detail: SaidDetail) => void this.said.push(detail));
    await page.addInitScript(() =>
      addEventListener('pilotlight:said', (event) =>
        (globalThis as unknown as { tellSaid: (d: unknown) => void }).tellSaid(
          (event as CustomEvent<unknown>).detail,
        ),
      ),
    );
  }

  /** What came behind what was waited for: the clips of each sentence in one text. */
  since(): readonly string[] {
    return this.said.slice(this.#from).map(({ clips }) => clips.join(' '));
  }

  /** From here on: what came before `at` is not waited for any more. */
  forget(at = this.said.length): void {
    this.#from = at;
  }

  /** Waits until it was said, behind what was waited for before. */
  async heard(clips: string): Promise<void> {
    await until(`“${clips}”`, () => this.since().includes(clips));
    this.#from += this.since().indexOf(clips) + 1;
  }
}
