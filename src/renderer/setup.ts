import { z } from 'zod';

// The page's Content-Security-Policy forbids eval; zod would try it for speed and leave a violation
// report each time.
// This module is imported before any schema is made.
z.config({ jitless: true });
