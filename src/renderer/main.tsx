import './setup.ts';
import './theme/tokens.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { guard } from './state/guards.ts';
import { listenToTaps } from './state/taps.ts';
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
listenToWedge(window, { now: () => performance.now(), after });
const clock = { monoMs: () => performance.now(), after };
speak(store, new ClipSound(window), clock, touches(window, clock));
const root = document.getElementById('root');
if (root !== null) void loadLetters().then(() => createRoot(root).render(<App />));
