import '@fontsource-variable/noto-sans-sc/wght.css';

/** A screen is drawn by then with whatever letters there are. */
const WAIT_MS = 3_000;

/**
 * Loads every slice of the bundled letters, all at once and before the first screen: a slice that
 * is loaded when its first character is needed leaves a box there for a moment, on a system that
 * has no Chinese font. They come from the memory of the program that serves the page.
 */
export async function loadLetters(): Promise<void> {
  const all = [...document.fonts].map((face) => face.load());
  await Promise.race([Promise.allSettled(all), new Promise((r) => setTimeout(r, WAIT_MS))]);
}
