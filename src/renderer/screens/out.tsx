import type { ReactElement } from 'react';
import type { NearSite, SnapshotOf } from '../../shared/contract/index.ts';
import { errorWords } from '../../shared/errors-placed.ts';
import { Phrases, Points } from '../components/ui.tsx';
import { useWords } from '../i18n/index.ts';
import { formatClock, formatStamp } from '../state/time.ts';
import { useHours } from './info.tsx';
import ui from '../components/ui.module.css';
import css from './out.module.css';

/**
 * The machine serves nobody: why, since when, whether card and money are safe, and where to go or
 * whom to call instead. Dark, so that it is seen from afar; in both languages, since nothing can be
 * tapped here.
 */
export function OutOfService({ s }: { readonly s: SnapshotOf<'out-of-service'> }): ReactElement {
  const { t, pick, locale, way } = useWords();
  const { title, body } = errorWords(s.reason, way);
  return (
    <div className={css['out']}>
      <div className={css['words']}>
        <p className={css['kicker']}>{t('out.kicker')}</p>
        <h1>
          <Phrases text={pick(title)} />
        </h1>
        <p className={css['lead']}>
          <Phrases text={pick(body)} />
        </p>
        <p className={css['other']} lang={locale === 'en' ? 'zh-CN' : 'en'}>
          {locale === 'en' ? `${title.zh}：${body.zh}` : `${title.en}. ${body.en}`}
        </p>
        {s.sinceMs !== undefined && <Since sinceMs={s.sinceMs} nowMs={s.nowMs} />}
        {s.held.length > 0 && <Held held={s.held} />}
      </div>
      <div className={css['facts']}>
        {s.header.hotline !== '' && (
          <div className={`${ui['panel']} ${css['hotline']}`}>
            <p className={css['note']}>{t('out.urgent')}</p>
            <h2>{t('hotline.label')}</h2>
            <b>{s.header.hotline}</b>
          </div>
        )}
        {s.nearestSites.length > 0 && (
          <div className={ui['panel']}>
            <p className={css['note']}>{t('out.sites')}</p>
            <ol className={css['sites']}>
              {s.nearestSites.map((site) => (
                <Site key={site.name.zh} site={site} />
              ))}
            </ol>
          </div>
        )}
      </div>
    </div>
  );
}

/** The time, and the day too where it was not today. */
function Since({ sinceMs, nowMs }: { readonly sinceMs: number; readonly nowMs: number }) {
  const { t, locale } = useWords();
  const [day, time] = formatClock(sinceMs, locale);
  const today = formatStamp(sinceMs).slice(0, 5) === formatStamp(nowMs).slice(0, 5);
  return (
    <p className={css['since']}>{t('out.since', { time: today ? time : `${day} ${time}` })}</p>
  );
}

/** For whoever stood here as it stopped: what is inside is safe, and what becomes of it. */
function Held({ held }: { readonly held: SnapshotOf<'out-of-service'>['held'] }): ReactElement {
  const { t } = useWords();
  return (
    <div className={`${ui['panel']} ${css['held']}`}>
      <h2>{t(held.length > 1 ? 'out.safe.both' : `out.safe.${held[0] ?? 'money'}.title`)}</h2>
      <Points items={held.map((what) => t(`out.safe.${what}`))} />
    </div>
  );
}

function Site({ site }: { readonly site: NearSite }): ReactElement {
  const { pick } = useWords();
  const hoursOf = useHours();
  const { name, detail, hours = null, metres = null } = site;
  return (
    <li>
      <b>{pick(name)}</b>
      {pick(detail) !== '' && <span className={css['detail']}>{pick(detail)}</span>}
      <span className={css['when']}>{hoursOf({ hours, metres })}</span>
    </li>
  );
}
