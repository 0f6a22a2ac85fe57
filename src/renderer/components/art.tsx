import type { ReactElement, ReactNode } from 'react';
import type { Rating } from '../../shared/ratings.ts';
import type { CardEntry, InfoTopic, Tile } from '../../shared/contract/index.ts';
import motion from './motion.module.css';
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

/** The chip as it is seen from above: gold, or on the other side. */
function Chip({ side, x, y }: { readonly side: CardEntry['chip']; x: number; y: number }) {
  return side === 'up' ? (
    <>
      <rect x={x} y={y} width="66" height="52" rx="10" fill="#ffc86b" />
      <path d={`M${x} ${y + 26}h66M${x + 33} ${y}v52`} stroke="#b97a12" strokeWidth="3" />
    </>
  ) : (
    <rect
      x={x}
      y={y}
      width="66"
      height="52"
      rx="10"
      fill="none"
      stroke="#8fa3c4"
      strokeWidth="4"
      strokeDasharray="9 7"
    />
  );
}

const DOWN = 'M190 352l-34-30h22v-30h24v30h22z';
const UP = 'M190 288l-34 30h22v30h24v-30h22z';

/** A card above its slot, the end with the chip in front, as this machine's reader takes it. */
function SlotArt({ entry, out }: { readonly entry: CardEntry; readonly out: boolean }) {
  return (
    <>
      <rect x="40" y="270" width="300" height="100" rx="26" fill="#0a3c9f" />
      {entry.way === 'motor' &&
        [92, 288].map((x) => (
          <g key={x} stroke="#7fa4ef" strokeWidth="5" fill="none">
            <circle cx={x} cy="322" r="20" />
            <path d={`M${x - 7} ${out ? 326 : 318}l7 ${out ? -8 : 8} 7 ${out ? 8 : -8}`} />
          </g>
        ))}
      <path d={out ? UP : DOWN} fill={EMBER} />
    </>
  );
}

/** A reader without contacts: the card is laid on it. */
function PadArt({ out }: { readonly out: boolean }) {
  return (
    <>
      <rect x="30" y="300" width="320" height="80" rx="26" fill="#0a3c9f" />
      <g fill="none" stroke="#7fa4ef" strokeWidth="6" strokeLinecap="round">
        <path d="M150 352a56 56 0 0 1 80 0M122 328a96 96 0 0 1 136 0" />
      </g>
      {out && <path d="M190 214l-34 30h22v30h24v-30h22z" fill={EMBER} />}
    </>
  );
}

/** A card and where it goes, as this machine takes it: going in, coming out, or still. */
export function CardArt({
  entry,
  moving = false,
  out = false,
}: {
  readonly entry: CardEntry;
  readonly moving?: boolean;
  readonly out?: boolean;
}): ReactElement {
  const slide = moving ? motion['in'] : out ? motion['out'] : undefined;
  const placed = entry.way === 'place';
  return (
    <svg
      className={`${css['art']} ${entry.way === 'motor' ? motion['deep'] : ''}`}
      viewBox="0 0 380 420"
      aria-hidden="true"
      data-card-way={entry.way}
    >
      {!placed && (
        <>
          <rect x="40" y="250" width="300" height="120" rx="26" fill="#062f80" />
          <rect x="80" y="262" width="220" height="16" rx="8" fill="#02122f" />
        </>
      )}
      {placed && <PadArt out={out} />}
      <g className={slide}>
        {placed ? (
          <g transform="translate(65 120)">
            <rect width="250" height="158" rx="18" fill="#fff" stroke="#cfdcf2" strokeWidth="3" />
            <Chip side={entry.chip} x={22} y={52} />
            <rect x="112" y="60" width="110" height="14" rx="7" fill="#cfdcf2" />
            <rect x="112" y="88" width="74" height="14" rx="7" fill="#cfdcf2" />
          </g>
        ) : (
          <g transform="translate(90 18)">
            <rect width="200" height="250" rx="22" fill="#fff" stroke="#cfdcf2" strokeWidth="3" />
            <rect x="36" y="34" width="128" height="16" rx="8" fill="#cfdcf2" />
            <rect x="36" y="64" width="84" height="16" rx="8" fill="#cfdcf2" />
            <Chip side={entry.chip} x={67} y={176} />
          </g>
        )}
      </g>
      {!placed && <SlotArt entry={entry} out={out} />}
    </svg>
  );
}

/** What is wrong with a card, as a picture. `turn`: wrong way round, or dirty. */
export type CardFault = 'turn' | 'foreign' | 'locked' | 'again';

/** A small card, 120 × 150, chip end down. */
function SmallCard({ side, children }: { readonly side: CardEntry['chip']; children?: ReactNode }) {
  return (
    <g>
      <rect width="120" height="150" rx="14" fill="#fff" stroke="#8fa3c4" strokeWidth="3" />
      <g transform="translate(38 96) scale(.66)">
        <Chip side={side} x={0} y={0} />
      </g>
      <rect x="20" y="22" width="78" height="10" rx="5" fill="#cfdcf2" />
      <rect x="20" y="42" width="50" height="10" rx="5" fill="#cfdcf2" />
      {children}
    </g>
  );
}
const CROSS = 'M-16-16l32 32M16-16l-32 32';
const TICK = 'M-18 2l12 13 24-28';

/** The four faults of a card that a customer can see for himself, and what is right. */
export function FaultArt({
  fault,
  entry,
}: {
  readonly fault: CardFault;
  readonly entry: CardEntry;
}): ReactElement {
  return (
    <svg className={css['fault']} viewBox="0 0 420 230" aria-hidden="true" data-card-fault={fault}>
      {fault === 'turn' && <TurnAndWipe entry={entry} />}
      {fault === 'again' && (
        <g transform="translate(150 10)">
          <SmallCard side={entry.chip} />
          <path d="M60 162v44M40 188l20 20 20-20" fill="none" stroke={EMBER} strokeWidth="10" />
        </g>
      )}
      {fault === 'foreign' && (
        <>
          <g transform="translate(50 50)">
            <rect width="150" height="96" rx="12" fill="#e4e9f2" stroke="#8fa3c4" strokeWidth="3" />
            <rect y="18" width="150" height="20" fill="#8fa3c4" />
            <g transform="translate(75 140)" stroke="var(--bad)" strokeWidth="10">
              <path d={CROSS} strokeLinecap="round" />
            </g>
          </g>
          <g transform="translate(250 10)">
            <SmallCard side={entry.chip}>
              <path
                transform="translate(44 52) scale(.6)"
                d="M33 3c3 11 18 18 18 36a19 19 0 0 1-38 0c0-9 5-13 8-20 3 3 4 6 4 9 5-6 8-14 8-25Z"
                fill={FLAME}
              />
            </SmallCard>
            <g transform="translate(60 190)" fill="none" stroke="var(--ok)" strokeWidth="10">
              <path d={TICK} strokeLinecap="round" strokeLinejoin="round" />
            </g>
          </g>
        </>
      )}
      {fault === 'locked' && (
        <g transform="translate(150 30)">
          <SmallCard side={entry.chip} />
          <g transform="translate(78 70)">
            <path d="M14 34V22a22 22 0 0 1 44 0v12" fill="none" stroke="#56657a" strokeWidth="9" />
            <rect y="32" width="72" height="60" rx="12" fill="var(--ember-mark)" />
            <path d="M36 52v20" stroke="#fff" strokeWidth="9" strokeLinecap="round" />
          </g>
        </g>
      )}
    </svg>
  );
}

/** First as it must lie, then wiped. */
function TurnAndWipe({ entry }: { readonly entry: CardEntry }) {
  return (
    <>
      <g transform="translate(60 20)">
        <SmallCard side={entry.chip} />
        <g fill="none" stroke={EMBER} strokeWidth="9" strokeLinecap="round">
          <path d="M-14 40a82 82 0 0 0 0 84M134 124a82 82 0 0 0 0-84" />
          <path d="M-32 108l18 18 16-20M152 56l-18-18-16 20" />
        </g>
      </g>
      <g transform="translate(262 20)">
        <SmallCard side={entry.chip} />
        <g transform="translate(40 88)">
          <path
            d="M2 22c12-22 30-26 50-16s40 4 46 22-8 42-34 44-36 8-52-4S-8 40 2 22z"
            fill="#bcd4ff"
            stroke={FLAME}
            strokeWidth="4"
          />
          <path d="M24 34h44M24 52h36" stroke={FLAME} strokeWidth="4" strokeLinecap="round" />
        </g>
      </g>
    </>
  );
}

export type DiscKind = 'ok' | 'wait' | 'bad' | 'info' | 'back' | 'person' | 'card' | 'phone';

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
        {kind === 'phone' && (
          <>
            <rect x="12" y="4" width="24" height="40" rx="5" />
            <path d="M21 37.5h6" />
            <path d="M18 14h12M18 22h8" strokeWidth="4" />
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
