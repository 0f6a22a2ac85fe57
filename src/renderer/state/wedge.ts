import { act, store } from './store.ts';

/**
 * A scanner that types sends its keys within milliseconds of one another; a pause begins a new
 * code.
 */
const GAP_MS = 100;
const MAX_CODE = 256;

/**
 * Listens to a scanner that is a keyboard: printable keys in quick succession, ended by Enter, are
 * one code. Only the pay screen of a kiosk that takes codes is listened to; the code is kept
 * nowhere. Returns the end of listening.
 */
export function listenToWedge(
  target: Pick<Window, 'addEventListener' | 'removeEventListener'>,
  now: () => number,
): () => void {
  let text = '';
  let last = 0;
  const onKey = (event: KeyboardEvent): void => {
    const { snapshot } = store.getState();
    if (snapshot?.screen !== 'pay' || !snapshot.scanner) {
      text = '';
      return;
    }
    if (now() - last > GAP_MS) text = '';
    last = now();
    if (event.key === 'Enter') {
      const value = text;
      text = '';
      // The key would press whatever has the focus.
      event.preventDefault();
      if (/^[!-~]{6,256}$/.test(value)) act({ type: 'scan', value });
    } else if (
      event.key.length === 1 &&
      !event.ctrlKey &&
      !event.altKey &&
      !event.metaKey &&
      text.length < MAX_CODE
    )
      text += event.key;
  };
  const listener = onKey as EventListener;
  target.addEventListener('keydown', listener, true);
  return () => target.removeEventListener('keydown', listener, true);
}
