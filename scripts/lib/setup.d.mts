/** See setup.mjs. */
export const root: string;
export const pinnedNode: string;
export function linkNode(folder?: string, platformNode?: string): boolean;
export function ensureAddons(): void;
export function ensureSetup(options?: { readonly test?: boolean }): void;
