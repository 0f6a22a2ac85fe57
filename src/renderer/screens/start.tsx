import type { ReactElement } from 'react';
import type { SnapshotOf, Tile } from '../../shared/contract/index.ts';
import { CardArt, TileArt } from '../components/art.tsx';
import { IntentButton, Notice, Phrases, useHow, Words } from '../components/ui.tsx';
import { anyOf, useWords } from '../i18n/index.ts';
import { entryOf } from '../state/entry.ts';
import { spanOf } from './info.tsx';
import css from './screens.module.css';

/** The welcome: inserting a card is the one thing to do; tiles exist only where their service works. */
export function Start({ s }: { readonly s: SnapshotOf<'start'> }): ReactElement {
  const { t, pick, tell, locale } = useWords();
  const how = useHow();
  const named = s.providers.filter((provider) => provider !== 'gateway');
  const list = (kinds: readonly (typeof named)[number][]): string =>
    anyOf(
      kinds.map((p) => t(`provider.${p}`)),
      locale,
    );
  const payWith =
    named.length === 0 ? t('start.payAny') : t('start.pay', { providers: list(named) });
  return (
    <div className={css['start']}>
      <section className={css['hero']}>
        <div>
          <p className={css['heroLead']}>{t('start.hello')}</p>
          <h1>
            <Phrases text={t(s.selling ? 'start.title' : 'start.noSelling.title')} />
          </h1>
          <p className={css['heroLead']}>
            {s.selling ? <Phrases text={how(s.header)} /> : t('start.noSelling.lead')}
          </p>
          {s.selling && (
            <p className={css['heroNote']} data-pay-away={s.payAway.join(' ')}>
              <Words text={payWith} />
              {s.payAway.length > 0 &&
                `\n${t('start.payAway', { providers: list(s.payAway.filter((p) => p !== 'gateway')) })}`}
              {'\n'}
              {t('start.noCash')}
            </p>
          )}
        </div>
        <CardArt entry={entryOf(s)} moving />
      </section>
      <section className={css['startSide']}>
        {s.word !== null && (
          <Notice loud title={t(`start.word.${s.word}.title`)}>
            {t(`start.word.${s.word}.body`)}
          </Notice>
        )}
        {(s.keptCards ?? 0) > 0 && (
          <Notice title={t('start.kept.title')}>
            {t('start.kept.body', { hotline: s.header.hotline })}
          </Notice>
        )}
        {s.degraded.map((code) => (
          <Notice key={code} title={tell(code).title}>
            {tell(code).body}
          </Notice>
        ))}
        {s.tiles.length > 0 && (
          <div className={css['tiles']}>
            {s.tiles.map((tile) => (
              <TileButton key={tile} tile={tile} />
            ))}
          </div>
        )}
        {s.selling && s.degraded.length === 0 && s.word === null && (
          <section className={css['help']}>
            <h2>{t('start.help.title')}</h2>
            <ol>
              {(['start.help.1', 'start.help.2', 'start.help.3', 'start.help.4'] as const).map(
                (key) => (
                  <li key={key}>
                    <span>{t(key)}</span>
                  </li>
                ),
              )}
            </ol>
          </section>
        )}
        <div className={css['notices']}>
          {s.outage !== null && (
            <Notice title={t('start.outage')}>
              {`${spanOf(s.outage)} ${pick(s.outage.area)}`}
            </Notice>
          )}
          {s.notices.slice(0, s.outage === null ? 2 : 1).map((notice) => (
            <Notice key={notice.title.zh} title={pick(notice.title)}>
              {pick(notice.body)}
            </Notice>
          ))}
          {s.notices.length === 0 && (
            <Notice title={t('start.safety.title')}>
              {t('start.safety.body', { number: s.emergency })}
            </Notice>
          )}
        </div>
      </section>
    </div>
  );
}

function TileButton({ tile }: { readonly tile: Tile }): ReactElement {
  const { t } = useWords();
  return (
    <IntentButton does={{ type: 'open', value: tile }} className={css['tile']}>
      <span className={css['tileIcon']}>
        <TileArt kind={tile} />
      </span>
      <span className={css['tileText']}>
        <b>
          <Words text={t(`start.${tile}.title`)} />
        </b>
        <span>{t(`start.${tile}.lead`)}</span>
      </span>
    </IntentButton>
  );
}
