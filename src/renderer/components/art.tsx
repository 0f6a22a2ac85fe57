import type { ReactElement } from 'react';
import type { Rating } from '../../shared/ratings.ts';
import type { InfoTopic, Tile } from '../../shared/contract/index.ts';
import css from './ui.module.css';

const FLAME = '#0b57e3';
const EMBER = '#ff9d1e';

/** The product's mark. */
export function Mark(): ReactElement {
  return (
    <svg className={css['mark']} viewBox="0 0 64 64" aria-hidden="true">
      <path
        d="M33 3c3 11 18 18 18 36a19 19 0 0 1-38 0c0-9 5-13 8-20 3 3 4 6 4 9 5-6 8-14 8-25Z"
        fill={FLAME}
      />
      <path d="M32 30c2 6 9 9 9 17a9 9 0 0 1-18 0c0-7 6-9 9-17Z" fill={EMBER} />
    </svg>
  );
}

/** A card, chip up, and its slot: going in, coming out, or still. */
export function CardArt({
  moving = false,
  out = false,
}: {
  readonly moving?: boolean;
  readonly out?: boolean;
}): ReactElement {
  return (
    <svg className={css['art']} viewBox="0 0 380 420" aria-hidden="true">
      <rect x="40" y="250" width="300" height="120" rx="26" fill="#062f80" />
      <rect x="80" y="262" width="220" height="16" rx="8" fill="#02122f" />
      <g className={moving ? css['slide'] : out ? css['slideOut'] : undefined}>
        <g transform="translate(90 30)">
          <rect width="200" height="250" rx="22" fill="#fff" stroke="#cfdcf2" strokeWidth="3" />
          <rect x="24" y="30" width="66" height="52" rx="10" fill="#ffc86b" />
          <path d="M24 56h66M57 30v52" stroke="#b97a12" strokeWidth="3" />
          <rect x="24" y="120" width="120" height="16" rx="8" fill="#cfdcf2" />
          <rect x="24" y="150" width="80" height="16" rx="8" fill="#cfdcf2" />
        </g>
      </g>
      <rect x="40" y="270" width="300" height="100" rx="26" fill="#0a3c9f" />
      <path
        d={out ? 'M190 288l-34 30h22v30h24v-30h22z' : 'M190 352l-34-30h22v-30h24v30h22z'}
        fill={EMBER}
      />
    </svg>
  );
}

export type DiscKind = 'ok' | 'wait' | 'bad' | 'info' | 'back' | 'person' | 'card';

const STROKE = {
  fill: 'none',
  strokeWidth: 5,
  strokeLinecap: 'round',
  strokeLinejoin: 'round',
} as const;

/** The large round sign of a message. Its meaning is always said in words too. */
export function Disc({ kind }: { readonly kind: DiscKind }): ReactElement {
  const tone =
    kind === 'ok'
      ? 'ok'
      : kind === 'bad'
        ? 'bad'
        : kind === 'wait' || kind === 'person'
          ? 'wait'
          : 'info';
  const colour =
    tone === 'ok'
      ? 'var(--ok)'
      : tone === 'bad'
        ? 'var(--bad)'
        : tone === 'wait'
          ? 'var(--ember-mark)'
          : 'var(--flame)';
  return (
    <div className={`${css['disc']} ${css[`disc-${tone}`]}`} aria-hidden="true">
      <svg viewBox="0 0 48 48" stroke={colour} {...STROKE}>
        {kind === 'ok' && <path d="M8 25l11 11 21-24" strokeWidth="6" />}
        {kind === 'wait' && (
          <>
            <circle cx="24" cy="24" r="18" />
            <path d="M24 14v11l7 5" />
          </>
        )}
        {kind === 'bad' && (
          <>
            <circle cx="24" cy="24" r="19" />
            <path d="M24 13v14M24 34.5v.5" strokeWidth="6" />
          </>
        )}
        {kind === 'info' && (
          <>
            <circle cx="24" cy="24" r="19" />
            <path d="M24 23v12M24 13.5v.5" strokeWidth="6" />
          </>
        )}
        {kind === 'back' && <path d="M9 20h21a10 10 0 0 1 0 20H16M17 10L8 20l9 10" />}
        {kind === 'person' && (
          <>
            <circle cx="24" cy="15" r="9" />
            <path d="M7 43c1-11 8-16 17-16s16 5 17 16" />
          </>
        )}
        {kind === 'card' && (
          <>
            <rect x="4" y="10" width="40" height="28" rx="6" />
            <rect x="12" y="18" width="9" height="8" rx="2" fill={EMBER} stroke="none" />
            <path d="M26 31h10" />
          </>
        )}
      </svg>
    </div>
  );
}

/** Tile pictures of the start screen. */
/** Strokes of 48 × 48. */
const TILE_ART: Readonly<Record<Tile | InfoTopic, ReactElement>> = {
  'top-up': (
    <>
      <circle cx="24" cy="26" r="17" stroke={FLAME} />
      <path d="M24 26l8-8M16 4h16" stroke={EMBER} strokeWidth="5" />
    </>
  ),
  bills: (
    <>
      <path d="M11 4h26v40l-6-5-7 5-7-5-6 5z" stroke={FLAME} />
      <path d="M18 16h12M18 25h8" stroke={EMBER} />
    </>
  ),
  query: (
    <>
      <circle cx="21" cy="21" r="14" stroke={FLAME} />
      <path d="M31 31l11 11" stroke={EMBER} strokeWidth="5" />
    </>
  ),
  'my-account': (
    <>
      <circle cx="24" cy="15" r="9" stroke={FLAME} />
      <path d="M7 43c1-11 8-16 17-16s16 5 17 16" stroke={FLAME} />
      <path d="M18 43v-6M24 43v-10M30 43v-4" stroke={EMBER} />
    </>
  ),
  unfinished: (
    <>
      <path d="M40 24a16 16 0 1 1-5-11" stroke={FLAME} />
      <path d="M37 4v11H26" stroke={EMBER} />
    </>
  ),
  request: (
    <>
      <path
        d="M40 13a11 11 0 0 1-15 13L12 40a5 5 0 0 1-7-7l14-13A11 11 0 0 1 32 5l-6 7 2 6 6 1z"
        stroke={FLAME}
      />
      <circle cx="9" cy="36" r="1" stroke={EMBER} />
    </>
  ),
  info: (
    <>
      <path d="M24 44S9 29 9 18a15 15 0 0 1 30 0c0 11-15 26-15 26z" stroke={FLAME} />
      <circle cx="24" cy="18" r="5" stroke={EMBER} />
    </>
  ),
  sites: (
    <>
      <path d="M24 44S9 29 9 18a15 15 0 0 1 30 0c0 11-15 26-15 26z" stroke={FLAME} />
      <circle cx="24" cy="18" r="5" stroke={EMBER} />
    </>
  ),
  outages: (
    <>
      <path d="M24 5l20 36H4z" stroke={FLAME} />
      <path d="M24 18v11M24 35v1" stroke={EMBER} strokeWidth="5" />
    </>
  ),
  prices: (
    <>
      <path d="M12 4h24v40l-6-4-6 4-6-4-6 4z" stroke={FLAME} />
      <path d="M18 15h12M18 24h12" stroke={EMBER} />
    </>
  ),
  papers: (
    <>
      <path d="M10 4h18l10 10v30H10z" stroke={FLAME} />
      <path d="M17 24l5 5 9-9" stroke={EMBER} />
    </>
  ),
  stewards: (
    <>
      <circle cx="24" cy="14" r="9" stroke={FLAME} />
      <path d="M7 43c1-11 8-15 17-15s16 4 17 15" stroke={FLAME} />
      <path d="M24 33v6" stroke={EMBER} />
    </>
  ),
  stations: (
    <>
      <path d="M8 44V8a4 4 0 0 1 4-4h14a4 4 0 0 1 4 4v36M5 44h28" stroke={FLAME} />
      <path d="M14 14h10" stroke={EMBER} />
      <path d="M30 24h5a3 3 0 0 1 3 3v8a3 3 0 0 0 6 0V18l-6-6" stroke={FLAME} />
    </>
  ),
};

/** The picture on a tile. */
export function TileArt({ kind }: { readonly kind: Tile | InfoTopic }): ReactElement {
  return (
    <svg
      width="60"
      height="60"
      viewBox="0 0 48 48"
      fill="none"
      strokeWidth="4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {TILE_ART[kind]}
    </svg>
  );
}

const MOUTHS: Readonly<Record<Rating, { readonly d: string; readonly stroke: string }>> = {
  good: { d: 'M15 28c3 6 15 6 18 0', stroke: 'var(--ok)' },
  fair: { d: 'M16 31h16', stroke: 'var(--ember-mark)' },
  poor: { d: 'M15 34c3-6 15-6 18 0', stroke: 'var(--bad)' },
};

/** A face that says how it was; the word stands below it. */
export function Face({ rating }: { readonly rating: Rating }): ReactElement {
  const { d, stroke } = MOUTHS[rating];
  return (
    <svg
      width="56"
      height="56"
      viewBox="0 0 48 48"
      fill="none"
      stroke={stroke}
      strokeWidth="3.5"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <circle cx="24" cy="24" r="19" />
      <path d={`M17 19v2M31 19v2${d}`} />
    </svg>
  );
}
