/**
 * How a customer has the screen, each by one touch and for the visit only: what is read larger by
 * six tenths · every control in the part that a seated person reaches · black, white and
 * yellow.
 */
export const ACCESS_MODES = ['largeText', 'lowReach', 'highContrast'] as const;
export type AccessMode = (typeof ACCESS_MODES)[number];
/** Which of them are on; every screen has each, alone and together. */
export type Access = Readonly<Record<AccessMode, boolean>>;
/** As the screen greets whoever comes next. */
export const PLAIN_ACCESS: Access = { largeText: false, lowReach: false, highContrast: false };
