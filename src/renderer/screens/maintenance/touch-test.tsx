import type { PointerEvent, ReactElement, RefObject } from 'react';
import { useEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { useWords } from '../../i18n/index.ts';
import css from './maintenance.module.css';

/** A field is about so wide and high: two fingers. */
const FIELD_PX = 120;
/** Held still for so long, it ends: so does a panel that is dead elsewhere. */
const HOLD_MS = 3_000;
/** Nobody touches it any more. */
const IDLE_MS = 20_000;

interface Grid {
  readonly columns: number;
  readonly rows: number;
}

function gridOf({ innerWidth, innerHeight }: Window): Grid {
  return {
    columns: Math.max(4, Math.round(innerWidth / FIELD_PX)),
    rows: Math.max(4, Math.round(innerHeight / FIELD_PX)),
  };
}

/** A finger that lies still. */
interface Hold {
  readonly field: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

function release(hold: RefObject<Hold | null>): void {
  if (hold.current !== null) clearTimeout(hold.current.timer);
  hold.current = null;
}

/**
 * The touch panel's test: fields over the whole screen, each to be touched. It ends by itself when
 * all were, when a finger is held still, or when nobody touches it any more.
 */
export function TouchTest({
  onEnd,
}: {
  readonly onEnd: (touched: number, all: number) => void;
}): ReactElement {
  const { t } = useWords();
  const [{ columns, rows }] = useState(() => gridOf(window));
  const [touched, setTouched] = useState<ReadonlySet<number>>(new Set());
  const all = columns * rows;
  const count = touched.size;
  const hold = useRef<Hold | null>(null);
  const end = useRef<() => void>(() => undefined);
  useEffect(() => {
    end.current = () => onEnd(count, all);
  });
  const letGo = (): void => release(hold);
  useEffect(() => () => release(hold), []);
  useEffect(() => {
    if (count === all) {
      end.current();
      return undefined;
    }
    const timer = setTimeout(() => end.current(), IDLE_MS);
    return () => clearTimeout(timer);
  }, [count, all]);

  const under = ({ clientX, clientY }: { clientX: number; clientY: number }): number => {
    const column = Math.floor((clientX / window.innerWidth) * columns);
    const row = Math.floor((clientY / window.innerHeight) * rows);
    const inside = column >= 0 && column < columns && row >= 0 && row < rows;
    return inside ? row * columns + column : -1;
  };
  const touch = (event: PointerEvent): void => {
    // A finger that sweeps is told of once a frame, with all the places in between.
    const between = event.nativeEvent.getCoalescedEvents?.() ?? [];
    const fields = [...between, event].map(under).filter((field) => field >= 0);
    if (fields.length > 0) setTouched((before) => new Set([...before, ...fields]));
    const field = under(event);
    if (hold.current?.field === field) return;
    letGo();
    hold.current = { field, timer: setTimeout(() => end.current(), HOLD_MS) };
  };
  return createPortal(
    <div
      className={css['touchTest']}
      style={{
        gridTemplateColumns: `repeat(${columns}, 1fr)`,
        gridTemplateRows: `repeat(${rows}, 1fr)`,
      }}
      data-touch={`${count}/${all}`}
      onPointerDown={(event) => {
        // The finger may leave the field on which it went down.
        event.currentTarget.setPointerCapture(event.pointerId);
        touch(event);
      }}
      onPointerMove={(event) => {
        if (event.buttons !== 0) touch(event);
      }}
      onPointerUp={letGo}
      onPointerCancel={letGo}
    >
      {Array.from({ length: all }, (_, field) => (
        <i key={field} className={touched.has(field) ? css['touched'] : undefined} />
      ))}
      <p>{t('mnt.touch.lead', { left: all - count })}</p>
    </div>,
    document.body,
  );
}
