import type { ReactElement, ReactNode } from 'react';
import type { SnapshotOf } from '../../shared/contract/index.ts';
import { CardArt, Mark, TileArt } from '../components/art.tsx';
import { Notice, Words } from '../components/ui.tsx';
import { translator, useWords } from '../i18n/index.ts';
import type { Translate } from '../i18n/index.ts';
import { entryOf } from '../state/entry.ts';
import { formatClock, useMinute } from '../state/time.ts';
import { spanOf } from './info.tsx';
import ui from '../components/ui.module.css';
import css from './attract.module.css';

const MINUTE_MS = 60_000;
/** Where the picture stands, minute by minute, in design pixels: no line of it stays in one place. */
const PLACES: readonly (readonly [x: number, y: number])[] = [
  [0, 0],
  [18, 10],
  [10, 22],
  [-12, 16],
  [-20, 4],
  [-14, -14],
  [6, -22],
  [20, -8],
];
/** After so many minutes the halves change places: the large blue field burns in first. */
const TURN_MINUTES = 8;

/**
 * Where everything stands at this minute. It moves in single steps: nothing that runs by itself
 * costs a processor its rest, or disturbs whoever wants no motion.
 */
export function placeAt(nowMs: number): {
  readonly x: number;
  readonly y: number;
  readonly turned: boolean;
} {
  const minute = Math.floor(nowMs / MINUTE_MS);
  const [x, y] = PLACES[minute % PLACES.length] ?? [0, 0];
  return { x, y, turned: Math.floor(minute / TURN_MINUTES) % 2 === 1 };
}

/**
 * The start screen while nobody is there: whose machine it is, what it offers and how it stands,
 * and what to do when gas is smelt. It has nothing to press: any touch brings the start screen.
 */
export function Attract({ s }: { readonly s: SnapshotOf<'start'> }): ReactElement {
  const { t, pick, locale } = useWords();
  const now = useMinute();
  const [date, time] = formatClock(now, locale);
  const { x, y, turned } = placeAt(now);
  const { header } = s;
  const place = [pick(header.site), pick(header.terminalName)].filter((part) => part !== '');
  return (
    <div
      className={css['attract']}
      data-screen={s.screen}
      data-revision={s.revision}
      data-attract=""
      data-turned={turned}
    >
      <main
        className={css['sheet']}
        style={{ transform: `translate(${String(x / 16)}rem, ${String(y / 16)}rem)` }}
      >
        <header className={css['top']}>
          <Mark />
          <div className={css['brand']}>
            <b>{pick(header.brand)}</b>
            <span>{place.join(' · ')}</span>
          </div>
          <p className={css['clock']}>
            <b>{time}</b>
            <span>{date}</span>
          </p>
        </header>
        <Call s={s} />
        <div className={css['rest']}>
          <Troubles s={s} />
          <Standing s={s} />
          <Safety s={s} />
        </div>
        <footer className={css['bottom']}>
          {header.hotline !== '' && (
            <p className={css['hotline']}>
              {t('hotline.label')} <b>{header.hotline}</b>
            </p>
          )}
          <p className={css['fine']}>{t('attract.access', { other: t('lang.other') })}</p>
        </footer>
        {s.demo && <div className={css['demo']}>{t('demo.badge')}</div>}
      </main>
    </div>
  );
}

/** What to do: large, and in both languages, since nobody has chosen one. */
function Call({ s }: { readonly s: SnapshotOf<'start'> }): ReactElement {
  const { t, locale, way } = useWords();
  const other = locale === 'en' ? ('zh-CN' as const) : ('en' as const);
  const call = (say: Translate): string =>
    s.selling ? `${say('attract.touch')}\n${say('attract.card')}` : say('attract.touch');
  return (
    <section className={css['call']}>
      <div>
        <h1>{call(t)}</h1>
        <p className={css['other']} lang={other}>
          {call(translator(other, way))}
        </p>
      </div>
      <CardArt entry={entryOf(s)} />
    </section>
  );
}

/** Whatever does not work, first and whole. */
function Troubles({ s }: { readonly s: SnapshotOf<'start'> }): ReactElement | null {
  const { t, pick, tell } = useWords();
  const lines: (readonly [key: string, title: string, body: string])[] = [];
  if (!s.selling && s.degraded.length === 0)
    lines.push(['selling', t('start.noSelling.title'), t('start.noSelling.lead')]);
  for (const code of s.degraded) {
    const { title, body } = tell(code);
    lines.push([code, title, body]);
  }
  if ((s.keptCards ?? 0) > 0)
    lines.push([
      'kept',
      t('start.kept.title'),
      t('start.kept.body', { hotline: s.header.hotline }),
    ]);
  if (s.outage !== null)
    lines.push(['outage', t('start.outage'), `${spanOf(s.outage)} ${pick(s.outage.area)}`]);
  if (lines.length === 0) return null;
  return (
    <section className={css['troubles']}>
      {lines.map(([key, title, body]) => (
        <Notice key={key} title={title}>
          {body}
        </Notice>
      ))}
    </section>
  );
}

/** What is offered, and whether it works now. */
function Standing({ s }: { readonly s: SnapshotOf<'start'> }): ReactElement {
  const { t, locale } = useWords();
  const printer = !s.degraded.includes('DEV-0101');
  const rows: readonly (readonly [string, string, boolean])[] = [
    [
      t('attract.state.recharge'),
      t(s.selling ? 'attract.state.on' : 'attract.state.off'),
      s.selling,
    ],
    [
      t('attract.state.pay'),
      payWords(s, t, locale === 'en' ? ', ' : '、'),
      s.selling && s.providers.length > 0,
    ],
    [
      t('attract.state.slip'),
      t(printer ? 'attract.state.slipOn' : 'attract.state.slipOff'),
      printer,
    ],
  ];
  return (
    <section className={css['standing']}>
      <div className={ui['panel']}>
        <h2>{t('attract.services')}</h2>
        <ul className={css['services']}>
          {s.selling && <Service art="top-up">{t('attract.recharge')}</Service>}
          {s.tiles.map((tile) => (
            <Service key={tile} art={tile}>
              {t(`start.${tile}.title`)}
            </Service>
          ))}
        </ul>
      </div>
      <div className={ui['panel']}>
        <h2>{t('attract.state')}</h2>
        <dl className={css['state']}>
          {rows.map(([label, value, good]) => (
            <div key={label} data-good={good}>
              <dt>{label}</dt>
              <dd>
                <Words text={value} />
              </dd>
            </div>
          ))}
        </dl>
      </div>
    </section>
  );
}

function payWords(s: SnapshotOf<'start'>, t: Translate, and: string): string {
  const list = (kinds: SnapshotOf<'start'>['providers']): string =>
    kinds.map((kind) => t(`provider.${kind}`)).join(and);
  if (!s.selling || s.providers.length === 0) return t('attract.state.payNone');
  return s.payAway.length === 0
    ? list(s.providers)
    : t('attract.state.payAway', { providers: list(s.providers), away: list(s.payAway) });
}

function Service({
  art,
  children,
}: {
  readonly art: SnapshotOf<'start'>['tiles'][number];
  readonly children: ReactNode;
}): ReactElement {
  return (
    <li>
      <TileArt kind={art} />
      <span>{children}</span>
    </li>
  );
}

/** Policy's notices, and what everybody with gas at home has to know. */
function Safety({ s }: { readonly s: SnapshotOf<'start'> }): ReactElement {
  const { t, pick } = useWords();
  const gas =
    s.emergency === ''
      ? t('attract.gas.bodyNoNumber')
      : t('attract.gas.body', { number: s.emergency });
  return (
    <section className={css['safety']}>
      <div className={css['warn']}>
        <h2>{t('attract.gas.title')}</h2>
        <p>{gas}</p>
      </div>
      <div className={css['warn']}>
        <h2>{t('attract.co.title')}</h2>
        <p>{t('attract.co.body')}</p>
      </div>
      {s.notices.slice(0, 2).map((notice) => (
        <div key={notice.title.zh} className={`${css['warn']} ${css['spare']}`}>
          <h2>{pick(notice.title)}</h2>
          <p>{pick(notice.body)}</p>
        </div>
      ))}
    </section>
  );
}
