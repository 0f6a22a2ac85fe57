import { PUBLISHED_PIN_HASH } from '../shared/config/terminal.ts';

/** The demo's technician, whose PIN is published. */
export const DEMO_USER = {
  name: '李工',
  pin: '2580',
  card: '8800009101',
  salt: '70696c6f746c696768742d64656d6f21',
  hash: PUBLISHED_PIN_HASH,
} as const;
