/** What of an account is shown at a time: its use, its last purchases, what is on the card. */
export const MY_PAGES = ['use', 'purchases', 'card'] as const;
export type MyPage = (typeof MY_PAGES)[number];
