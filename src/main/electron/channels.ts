/** The only channels between the page and the shell. */
export const CHANNELS = {
  /** page → shell: listening from now on. */
  ready: 'pilotlight:ready',
  /** page → shell: what a person did. */
  intent: 'pilotlight:intent',
  /** page → shell: a frame was painted. */
  painted: 'pilotlight:painted',
  /** shell → page. */
  snapshot: 'pilotlight:snapshot',
} as const;

/** Where the page lives. */
export const ORIGIN = 'kiosk://app';
export const HOME = `${ORIGIN}/`;
