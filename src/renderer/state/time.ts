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

function useTick(everyMs: number): number {
  const [at, setAt] = useState(() => performance.now());
  useEffect(() => {
    setAt(performance.now());
    const timer = setInterval(() => setAt(performance.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return at;
}

/**
 * Milliseconds until a wall-clock instant of the core's; 0 once it is past, null when there is
 * none.
 */
export function useUntil(wallMs: number | null): number | null {
  const nowMs = useView((s) => s.snapshot?.nowMs ?? 0);
  const receivedAt = useView((s) => s.receivedAt);
  const at = useTick(250);
  return wallMs === null ? null : remainingMs(wallMs, nowMs, receivedAt, Math.max(at, receivedAt));
}

/** Milliseconds left on the screen's deadline; null when it has none. */
export function useRemaining(): number | null {
  const snapshot = useView((s) => s.snapshot);
  const receivedAt = useView((s) => s.receivedAt);
  const at = useTick(250);
  if (snapshot === null || !('deadlineMs' in snapshot) || snapshot.deadlineMs === null) return null;
  return remainingMs(snapshot.deadlineMs, snapshot.nowMs, receivedAt, Math.max(at, receivedAt));
}

/** The core's wall clock, as the customer reads it. Gas halls are in one time zone. */
export function useClock(locale: Locale): readonly [date: string, time: string] {
  const nowMs = useView((s) => s.snapshot?.nowMs ?? 0);
  const receivedAt = useView((s) => s.receivedAt);
  const at = useTick(1_000);
  return formatClock(nowMs + Math.max(0, at - receivedAt), locale);
}

/** `11月22日 周日` or `Sun 22 Nov`, and `09:26`. */
export function formatClock(ms: number, locale: Locale): readonly [date: string, time: string] {
  const date = new Date(ms);
  const part = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : 'zh-CN', {
      timeZone: 'Asia/Shanghai',
      ...options,
    }).format(date);
  const time = part({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const weekday = part({ weekday: 'short' });
  return [
    locale === 'en'
      ? `${weekday} ${part({ day: 'numeric', month: 'short' })}`
      : `${part({ month: 'long', day: 'numeric' })} ${weekday}`,
    time,
  ];
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
