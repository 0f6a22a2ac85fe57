import './setup.ts';
import './theme/tokens.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { guard } from './state/guards.ts';
import { listenToTaps } from './state/taps.ts';
import { connect } from './state/transport.ts';
import { listenToWedge } from './state/wedge.ts';

guard(window);
listenToTaps(window);
connect();
listenToWedge(window, () => performance.now());
const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<App />);
