// After a bare `npm ci`: native code was compiled for whichever Node ran npm; make it fit the
// pinned one.
import { existsSync } from 'node:fs';
import { ensureAddons, pinnedNode } from './lib/setup.mjs';

if (existsSync(pinnedNode)) ensureAddons();
