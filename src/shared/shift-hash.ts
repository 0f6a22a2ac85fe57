import { hash as digest } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import type { Shift } from './shift.ts';

/** SHA-256 over the statement's canonical JSON, in hex: what its fact and its paper carry. */
export const shiftHash = (shift: Shift): string => digest('sha256', canonicalJson(shift), 'hex');
