import { useEffect, useState } from 'react';
import type { Locale } from '../../shared/contract/index.ts';
import { chinaTime } from '../../shared/time.ts';
import { useView } from './store.ts';

/** From here on the customer is asked whether they need more time. */
export const WARN_MS = 20_000;

/** How long a deadline still has, counted from the snapshot's own clock; never negative. */
export function remainingMs(
  deadlineMs: number,
  nowMs: number,
  receivedAt: number,
  at: number,
): number {
  return Math.max(0, deadlineMs - nowMs - (at - receivedAt));
}

/** Draws again every so often. Null: there is nothing that runs, and nothing is woken for it. */
function useTick(everyMs: number | null): number {
  const [at, setAt] = useState(() => performance.now());
  useEffect(() => {
    setAt(performance.now());
    if (everyMs === null) return undefined;
    const timer = setInterval(() => setAt(performance.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return at;
}

/** A quarter of a second: what counts seconds is never late by a visible part of one. */
const COUNT_MS = 250;

/**
 * Milliseconds until a wall-clock instant of the core's; 0 once it is past, null when there is
 * none.
 */
export function useUntil(wallMs: number | null): number | null {
  const nowMs = useView((s) => s.snapshot?.nowMs ?? 0);
  const receivedAt = useView((s) => s.receivedAt);
  const at = useTick(wallMs === null ? null : COUNT_MS);
  return wallMs === null ? null : remainingMs(wallMs, nowMs, receivedAt, Math.max(at, receivedAt));
}

/** Milliseconds left on the screen's deadline; null when it has none. */
export function useRemaining(): number | null {
  const snapshot = useView((s) => s.snapshot);
  const receivedAt = useView((s) => s.receivedAt);
  const deadlineMs = snapshot !== null && 'deadlineMs' in snapshot ? snapshot.deadlineMs : null;
  const at = useTick(deadlineMs === null ? null : COUNT_MS);
  if (snapshot === null || deadlineMs === null) return null;
  return remainingMs(deadlineMs, snapshot.nowMs, receivedAt, Math.max(at, receivedAt));
}

const MINUTE_MS = 60_000;

/** The core's wall clock now; drawn again when its minute is over. */
export function useMinute(): number {
  const nowMs = useView((s) => s.snapshot?.nowMs ?? 0);
  const receivedAt = useView((s) => s.receivedAt);
  const [at, setAt] = useState(() => performance.now());
  const now = nowMs + Math.max(0, at - receivedAt);
  const minute = Math.floor(now / MINUTE_MS);
  useEffect(() => {
    const leftMs = (minute + 1) * MINUTE_MS - (nowMs + performance.now() - receivedAt);
    const timer = setTimeout(() => setAt(performance.now()), Math.max(0, leftMs) + 1);
    return () => clearTimeout(timer);
  }, [minute, nowMs, receivedAt]);
  return now;
}

/** The core's wall clock, as the customer reads it. Gas halls are in one time zone. */
export function useClock(locale: Locale): readonly [date: string, time: string] {
  return formatClock(useMinute(), locale);
}

type DatePart = 'time' | 'weekday' | 'day';
const formats = new Map<Locale, Readonly<Record<DatePart, Intl.DateTimeFormat>>>();

/** Made once: making one takes as long as drawing a screen. */
function formatsOf(locale: Locale): Readonly<Record<DatePart, Intl.DateTimeFormat>> {
  const known = formats.get(locale);
  if (known !== undefined) return known;
  const part = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : 'zh-CN', {
      timeZone: 'Asia/Shanghai',
      ...options,
    });
  const made = {
    time: part({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
    weekday: part({ weekday: 'short' }),
    day: part({ month: locale === 'en' ? 'short' : 'long', day: 'numeric' }),
  };
  formats.set(locale, made);
  return made;
}

/** `11月22日 周日` or `Sun 22 Nov`, and `09:26`. */
export function formatClock(ms: number, locale: Locale): readonly [date: string, time: string] {
  const date = new Date(ms);
  const { time, weekday, day } = formatsOf(locale);
  const words = [day.format(date), weekday.format(date)];
  return [(locale === 'en' ? words.toReversed() : words).join(' '), time.format(date)];
}

/** `11-22 09:26`, for technicians, in the hall's time zone. */
export function formatStamp(ms: number, seconds = false): string {
  return chinaTime(ms).slice(5, seconds ? 19 : 16);
}

/** `1:05`, for what may last an hour. */
export function minutesLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
