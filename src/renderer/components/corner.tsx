import { useRef } from 'react';
import type { ReactElement } from 'react';
import { act } from '../state/store.ts';
import css from './ui.module.css';

/** So many taps within so long open the technicians' door. */
export const CORNER_TAPS = 5;
export const CORNER_MS = 3_000;

/** The taps that still count at `at`, with the new one. */
export function cornerTaps(before: readonly number[], at: number): readonly number[] {
  return [...before.filter((tap) => at - tap < CORNER_MS), at];
}

/**
 * The header's left end on screens where no visit goes on. Nothing shows it, and a customer who
 * taps the mark once or twice meets nothing.
 */
export function Corner(): ReactElement {
  const taps = useRef<readonly number[]>([]);
  const tap = (): void => {
    taps.current = cornerTaps(taps.current, performance.now());
    if (taps.current.length < CORNER_TAPS) return;
    taps.current = [];
    act({ type: 'open-maintenance' });
  };
  return <div className={css['corner']} data-corner="" aria-hidden="true" onClick={tap} />;
}
