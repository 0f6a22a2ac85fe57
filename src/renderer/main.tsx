import './setup.ts';
import './theme/tokens.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { guard } from './state/guards.ts';
import { listenToTaps } from './state/taps.ts';
import { connect } from './state/transport.ts';
import { listenToWedge } from './state/wedge.ts';
import { loadLetters } from './theme/letters.ts';

guard(window);
listenToTaps(window);
connect();
listenToWedge(window, {
  now: () => performance.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
});
const root = document.getElementById('root');
if (root !== null) void loadLetters().then(() => createRoot(root).render(<App />));
