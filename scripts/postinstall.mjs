// After a bare `npm ci`: the pinned Node is put in its place, and native code, compiled for whichever
// Node ran npm, is made to fit it.
import { ensureAddons, linkNode } from './lib/setup.mjs';

if (linkNode()) ensureAddons();
