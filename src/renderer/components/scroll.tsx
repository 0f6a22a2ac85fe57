import { useLayoutEffect, useRef, useState } from 'react';
import type { ReactElement, ReactNode } from 'react';
import { useWords } from '../i18n/index.ts';
import { act } from '../state/store.ts';
import ui from './ui.module.css';
import css from './scroll.module.css';

/** Of what is seen at once, so much stays when it is moved: the eye finds its line again. */
const MOVES_BY = 0.75;
/** Less than this is rounding. */
const NEARLY_PX = 2;

/**
 * The place of a screen. Where the screen is larger than its place even at its tightest (fit.ts),
 * two buttons move it, and what can be done stays in sight at the lower edge.
 */
export function Scroll({ children }: { readonly children: ReactNode }): ReactElement {
  const { t } = useWords();
  const port = useRef<HTMLDivElement>(null);
  const [more, setMore] = useState({ above: false, below: false });
  useLayoutEffect(() => {
    const el = port.current;
    if (el === null) return undefined;
    const look = (): void => {
      const above = el.scrollTop > NEARLY_PX;
      const below = el.scrollTop + el.clientHeight < el.scrollHeight - NEARLY_PX;
      setMore((now) => (now.above === above && now.below === below ? now : { above, below }));
    };
    look();
    el.addEventListener('scroll', look);
    const sizes = new ResizeObserver(look);
    sizes.observe(el);
    for (const child of el.children) sizes.observe(child);
    return () => {
      el.removeEventListener('scroll', look);
      sizes.disconnect();
    };
  }, []);
  const move = (way: 1 | -1): void => {
    const el = port.current;
    if (el !== null) el.scrollTop += way * el.clientHeight * MOVES_BY;
    // Whoever reads on is there: the screen's time begins again.
    act({ type: 'activity' });
  };
  return (
    <div className={css['place']}>
      {/* A screen without a control is moved by keys where it stands. */}
      <div
        ref={port}
        className={`${ui['slot']} ${css['port']}`}
        tabIndex={more.above || more.below ? 0 : undefined}
        data-scrollport=""
      >
        {children}
      </div>
      <div className={css['rail']} data-unread>
        <Move way="up" can={more.above} onMove={() => move(-1)} says={t('scroll.up')} />
        <Move way="down" can={more.below} onMove={() => move(1)} says={t('scroll.down')} />
      </div>
    </div>
  );
}

function Move({
  way,
  can,
  onMove,
  says,
}: {
  readonly way: 'up' | 'down';
  readonly can: boolean;
  readonly onMove: () => void;
  readonly says: string;
}): ReactElement {
  const arrow = way === 'up' ? 'M8 30L24 14l16 16' : 'M8 18l16 16 16-16';
  return (
    <button
      type="button"
      className={css['move']}
      data-local={`scroll-${way}`}
      disabled={!can}
      onClick={onMove}
    >
      <svg viewBox="0 0 48 48" aria-hidden="true">
        <path d={arrow} fill="none" stroke="currentColor" strokeWidth="6" strokeLinecap="round" />
      </svg>
      {says}
    </button>
  );
}
