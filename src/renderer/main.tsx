import './setup.ts';
import './theme/tokens.css';
import './theme/keys.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { guard } from './state/guards.ts';
import { Keyboard } from './keys/keyboard.ts';
import { listenToTaps, taps } from './state/taps.ts';
import { connect } from './state/transport.ts';
import { listenToWedge } from './state/wedge.ts';
import { loadLetters } from './theme/letters.ts';
import { store } from './state/store.ts';
import { ClipSound } from './voice/sound.ts';
import { speak, touches } from './voice/voice.ts';

guard(window);
listenToTaps(window);
connect();
const after = (ms: number, then: () => void): (() => void) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};
const clock = { monoMs: () => performance.now(), after };
const keyboard = new Keyboard({ page: window, ...clock, glance: () => taps.glance() });
listenToWedge(window, { now: () => performance.now(), after }, keyboard.typed, () => taps.glance());
keyboard.listen();
speak(store, new ClipSound(window), clock, touches(window, clock), keyboard.attach);
const root = document.getElementById('root');
if (root !== null) void loadLetters().then(() => createRoot(root).render(<App />));
