import type { Locale } from '../../src/shared/contract/index.ts';
export interface Voice {
  readonly command: readonly string[];
  readonly spelled?: boolean;
}
export const CLIP_MS: { readonly least: number; readonly most: number };
export const ESPEAK: Readonly<Record<Locale, Voice>>;
export function isThere(command: string, ...args: string[]): boolean;
export function spokenText(text: string, locale: Locale, spelled: boolean): string;
export function synthesise(voice: Voice, text: string): Float32Array;
export function packed(samples: Float32Array): Uint8Array;
export function unpacked(bytes: Uint8Array): Float32Array;
export function phonemes(text: string): string;
export function voicesOf(file: string | undefined): Readonly<Record<Locale, Voice>>;
