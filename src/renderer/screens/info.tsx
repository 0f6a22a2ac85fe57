import type { ReactElement, ReactNode } from 'react';
import type { InfoShown, InfoTopic, SnapshotOf } from '../../shared/contract/index.ts';
import { formatPrice, formatQuantity } from '../../shared/money.ts';
import { chinaTime } from '../../shared/time.ts';
import { TileArt } from '../components/art.tsx';
import { ActionButton, IntentButton } from '../components/ui.tsx';
import { Pager } from '../components/pager.tsx';
import { Qr } from '../components/qr.tsx';
import ui from '../components/ui.module.css';
import { useWords } from '../i18n/index.ts';
import css from './info.module.css';
import screens from './screens.module.css';

type InfoScreen = SnapshotOf<'info'>;
type Shown<T extends InfoShown['topic']> = Extract<InfoShown, { topic: T }>;

/** What the hall tells: whom to call, and its topics page by page. */
export function Info({ s }: { readonly s: InfoScreen }): ReactElement {
  const { t } = useWords();
  const { shown } = s;
  return (
    <div className={screens['column']}>
      <h1>{t(`hall.${shown.topic}.title`)}</h1>
      <div className={`${css['body']} ${css[layoutOf(shown)] ?? ''}`}>{bodyOf(s)}</div>
      {'pages' in shown &&
        shown.topic !== 'prices' &&
        shown.topic !== 'papers' &&
        shown.pages > 1 && <Pager type="info-page" page={shown.page} pages={shown.pages} />}
      <div className={ui['actions']}>
        {shown.topic !== 'menu' && (
          <ActionButton ghost does={{ type: 'info-topic', value: 'menu' }}>
            {t('back')}
          </ActionButton>
        )}
        <ActionButton ghost={shown.topic === 'menu'} does={{ type: 'exit' }}>
          {t('hall.home')}
        </ActionButton>
      </div>
    </div>
  );
}

/** On a wide panel the topics stand beside the numbers, and entries beside each other. */
const layoutOf = ({ topic }: InfoShown): string =>
  topic === 'menu'
    ? 'menu'
    : topic === 'sites' || topic === 'outages' || topic === 'stations' || topic === 'stewards'
      ? 'entries'
      : '';

function bodyOf(s: InfoScreen): ReactElement {
  const { shown } = s;
  switch (shown.topic) {
    case 'menu':
      return <Menu s={s} />;
    case 'sites':
      return <Sites shown={shown} />;
    case 'outages':
      return <Outages shown={shown} />;
    case 'prices':
      return <Prices shown={shown} />;
    case 'papers':
      return <Papers shown={shown} />;
    case 'stations':
      return <Stations shown={shown} />;
    case 'stewards':
      return <Stewards shown={shown} />;
    default:
      return shown satisfies never;
  }
}

function Menu({ s }: { readonly s: InfoScreen }): ReactElement {
  const { t } = useWords();
  const lines = [
    ['emergency', s.emergency],
    ['hotline', s.header.hotline === '' ? null : s.header.hotline],
    ['complaints', s.complaints],
  ] as const;
  return (
    <>
      <dl className={`${ui['panel']} ${css['lines']}`}>
        {lines.map(
          ([kind, number]) =>
            number !== null && (
              <div key={kind} className={kind === 'emergency' ? css['urgent'] : undefined}>
                <dt>{t(`hall.line.${kind}`)}</dt>
                <dd>{number}</dd>
              </div>
            ),
        )}
      </dl>
      <div className={screens['tiles']}>
        {s.topics.map((topic) => (
          <Topic key={topic} topic={topic} />
        ))}
      </div>
    </>
  );
}

function Topic({ topic }: { readonly topic: InfoTopic }): ReactElement {
  const { t } = useWords();
  return (
    <IntentButton does={{ type: 'info-topic', value: topic }} className={screens['tile']}>
      <span className={screens['tileIcon']}>
        <TileArt kind={topic} />
      </span>
      <span className={screens['tileText']}>
        <b>{t(`hall.${topic}.title`)}</b>
        <span>{t(`hall.${topic}.lead`)}</span>
      </span>
    </IntentButton>
  );
}

function Entry({
  title,
  mark,
  tone = 'info',
  children,
}: {
  readonly title: string;
  readonly mark?: string | null;
  readonly tone?: 'info' | 'ok' | 'off';
  readonly children: ReactNode;
}): ReactElement {
  return (
    <section className={`${ui['panel']} ${css['entry']}`}>
      <div>
        <b>{title}</b>
        {children}
      </div>
      {mark != null && <span className={`${css['mark']} ${css[tone]}`}>{mark}</span>}
    </section>
  );
}

function Sites({ shown }: { readonly shown: Shown<'sites'> }): ReactElement {
  const { t } = useWords();
  const hoursOf = useHours();
  return (
    <>
      {shown.sites.map((site) => (
        <Entry
          key={site.name}
          title={site.name}
          mark={t(site.openNow ? 'hall.sites.open' : 'hall.sites.shut')}
          tone={site.openNow ? 'ok' : 'off'}
        >
          <p>{site.detail}</p>
          <p>{hoursOf(site)}</p>
        </Entry>
      ))}
    </>
  );
}

/** When a place is open, and how far it is. */
export function useHours(): (at: {
  readonly hours: { readonly from: string; readonly to: string } | null;
  readonly metres: number | null;
}) => string {
  const { t } = useWords();
  return ({ hours, metres }) => {
    const open = hours === null ? t('hall.sites.always') : t('hall.sites.hours', hours);
    if (metres === null) return open;
    const far =
      metres < 1_000
        ? t('hall.sites.metres', { metres })
        : t('hall.sites.km', { km: (metres / 1_000).toFixed(1) });
    return `${open} · ${far}`;
  };
}

function Stations({ shown }: { readonly shown: Shown<'stations'> }): ReactElement {
  const { t, pick } = useWords();
  const hoursOf = useHours();
  return (
    <>
      {shown.stations.map((station) => (
        <Entry
          key={station.name.zh}
          title={pick(station.name)}
          mark={t(station.openNow ? 'hall.sites.open' : 'hall.sites.shut')}
          tone={station.openNow ? 'ok' : 'off'}
        >
          <p className={css['span']}>{pick(station.does)}</p>
          <p>{pick(station.address)}</p>
          <p>{hoursOf(station)}</p>
        </Entry>
      ))}
    </>
  );
}

function Stewards({ shown }: { readonly shown: Shown<'stewards'> }): ReactElement {
  const { pick } = useWords();
  return (
    <>
      {shown.names.length > 1 && (
        <Chips names={shown.names.map(pick)} page={shown.group} type="info-group" />
      )}
      {shown.stewards.map((s) => (
        <Entry key={`${s.area.zh} ${s.phone}`} title={pick(s.area)}>
          <p className={css['span']}>
            {pick(s.name)} {s.phone}
          </p>
          <p>{pick(s.hours)}</p>
        </Entry>
      ))}
    </>
  );
}

/** `11-24 08:00 – 16:00`; with the second day where it is another. */
export function spanOf({
  fromMs,
  toMs,
}: {
  readonly fromMs: number;
  readonly toMs: number;
}): string {
  const [from, to] = [chinaTime(fromMs), chinaTime(toMs)];
  const sameDay = from.slice(0, 10) === to.slice(0, 10);
  return `${from.slice(5, 16)} – ${to.slice(sameDay ? 11 : 5, 16)}`;
}

function Outages({ shown }: { readonly shown: Shown<'outages'> }): ReactElement {
  const { pick } = useWords();
  return (
    <>
      {shown.outages.map((outage) => (
        <Entry key={`${outage.fromMs} ${outage.area.zh}`} title={pick(outage.area)}>
          <p className={css['span']}>{spanOf(outage)}</p>
          <p>{pick(outage.reason)}</p>
        </Entry>
      ))}
    </>
  );
}

function Chip({
  does,
  pressed,
  children,
}: {
  readonly does: { readonly type: 'info-page' | 'info-group'; readonly value: number };
  readonly pressed: boolean;
  readonly children: string;
}): ReactElement {
  return (
    <IntentButton does={does} pressed={pressed} className={css['chip']}>
      {children}
    </IntentButton>
  );
}

/** Which of several lists is open. */
function Chips({
  names,
  page,
  type = 'info-page',
}: {
  readonly names: readonly string[];
  readonly page: number;
  readonly type?: 'info-page' | 'info-group';
}): ReactElement {
  return (
    <div className={css['chips']}>
      {names.map((name, index) => (
        <Chip key={name} does={{ type, value: index }} pressed={index === page}>
          {name}
        </Chip>
      ))}
    </div>
  );
}

function Prices({ shown }: { readonly shown: Shown<'prices'> }): ReactElement {
  const { t, pick } = useWords();
  const { list } = shown;
  const unit = pick(list.unit);
  return (
    <>
      {shown.names.length > 1 && <Chips names={shown.names.map(pick)} page={shown.page} />}
      <section className={ui['panel']}>
        <dl className={css['tiers']}>
          {list.tiers.map((tier, index) => {
            const upto = tier.uptoQuantity === null ? null : formatQuantity(tier.uptoQuantity);
            const above = list.tiers[index - 1]?.uptoQuantity ?? null;
            const from = above === null ? null : formatQuantity(above);
            return (
              <div key={tier.uptoQuantity ?? 0}>
                <dt>
                  {list.tiers.length === 1
                    ? t('hall.prices.one')
                    : t('hall.prices.tier', { tier: index + 1 })}
                  <small>
                    {upto !== null && from !== null
                      ? t('hall.prices.between', { from, upto })
                      : upto !== null
                        ? t('hall.prices.upto', { upto })
                        : from !== null
                          ? t('hall.prices.above', { from })
                          : ''}
                  </small>
                </dt>
                <dd>
                  {formatPrice(tier.priceE4)} <small>{unit}</small>
                </dd>
              </div>
            );
          })}
        </dl>
        <p className={ui['note']}>
          {t('hall.prices.since', { date: list.since, document: pick(list.document) })}
        </p>
      </section>
    </>
  );
}

function Papers({ shown }: { readonly shown: Shown<'papers'> }): ReactElement {
  const { t, pick } = useWords();
  const { papers, url } = shown;
  return (
    <>
      {(shown.names.length > 1 || url !== undefined) && (
        <div className={css['chips']}>
          {shown.names.map((name, index) => (
            <Chip
              key={name.zh}
              does={{ type: 'info-page', value: index }}
              pressed={index === shown.page && !shown.code}
            >
              {pick(name)}
            </Chip>
          ))}
          {url !== undefined && (
            <Chip does={{ type: 'info-group', value: shown.code ? 0 : 1 }} pressed={shown.code}>
              {t('hall.papers.code')}
            </Chip>
          )}
        </div>
      )}
      {shown.code && url !== undefined ? (
        <section className={`${ui['panel']} ${css['home']}`}>
          <Qr className={css['code']} text={url} label={t('hall.papers.code')} />
          <div>
            <b>{pick(papers.title)}</b>
            <p>{t('hall.papers.code.lead')}</p>
          </div>
        </section>
      ) : (
        <section className={`${ui['panel']} ${css['papers']}`}>
          <b>{t('hall.papers.bring')}</b>
          <ol>
            {papers.bring.map((one) => (
              <li key={one.zh}>
                <span>{pick(one)}</span>
              </li>
            ))}
          </ol>
          <b>
            {t('hall.papers.where')}
            {papers.takes !== undefined && (
              <small> · {t('hall.papers.takes', { takes: pick(papers.takes) })}</small>
            )}
          </b>
          <p>{pick(papers.where)}</p>
        </section>
      )}
    </>
  );
}
