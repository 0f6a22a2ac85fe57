import './setup.ts';
import './theme/tokens.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { guard } from './state/guards.ts';
import { connect } from './state/transport.ts';

guard(window);
connect();
const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<App />);
