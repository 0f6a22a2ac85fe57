import type { ReactElement } from 'react';
import { useState } from 'react';
import type { QuoteView, SnapshotOf } from '../../shared/contract/index.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { formatMicroYuan, formatPrice, formatYuan } from '../../shared/money.ts';
import { plainYuan, Presets } from '../components/presets.tsx';
import { ActionButton, Facts, Notice, Steps, tierName, useCardFacts } from '../components/ui.tsx';
import { amountOf, useWords } from '../i18n/index.ts';
import { useNewView } from '../state/taps.ts';
import { Keypad } from './keypad.tsx';
import ui from '../components/ui.module.css';
import css from './screens.module.css';

/** A sum that a limit forbids: how much it allows can be said. */
function isLimit(problem: ErrorCode): boolean {
  return problem === 'SALE-0105' || problem === 'SALE-0106';
}

/** The pad takes whole yuan. */
function floorYuan(fen: number): number {
  return fen - (fen % 100);
}

/** Choosing the amount and seeing, before paying, exactly what it buys. */
export function Amount({ s }: { readonly s: SnapshotOf<'amount'> }): ReactElement {
  const { t } = useWords();
  const [typing, setTyping] = useState(false);
  useNewView(typing ? 'pad' : 'presets');
  const card = useCardFacts(s.card);
  const ready =
    s.chosenFen !== null &&
    s.quote !== null &&
    s.quote.amountFen === s.chosenFen &&
    s.problem === null &&
    !s.busy;
  const about =
    s.quote !== null && s.quote.amountFen === s.chosenFen
      ? t('amount.about', { quantity: amountOf(s.quote.quantity, s.card.unit) })
      : null;
  return (
    <div className={css['amount']}>
      <Steps at={2} />
      <div className={css['amountBody']}>
        <div className={css['amountCard']}>
          <div className={ui['panel']}>
            <Facts facts={[...card.who, card.pending, card.year]} />
          </div>
        </div>
        {typing ? (
          <div className={css['amountPick']}>
            <Keypad minFen={s.minFen} maxFen={s.maxFen} onClose={() => setTyping(false)} />
          </div>
        ) : (
          <>
            <div className={css['amountPick']}>
              <h2>{t('amount.title')}</h2>
              <Presets
                presetsFen={s.presetsFen}
                chosenFen={s.chosenFen}
                about={about}
                onOther={() => setTyping(true)}
              />
            </div>
            <div className={css['amountQuote']}>
              <Quote s={s} />
            </div>
            <div className={`${ui['actions']} ${ui['wide']} ${css['amountActions']}`}>
              <ActionButton ghost does={{ type: 'exit' }}>
                {t('takeCard')}
              </ActionButton>
              <ActionButton does={{ type: 'pay', value: s.chosenFen ?? 0 }} disabled={!ready}>
                {s.chosenFen === null
                  ? t('amount.payNone')
                  : t('amount.pay', { yuan: formatYuan(s.chosenFen) })}
              </ActionButton>
            </div>
          </>
        )}
      </div>
    </div>
  );
}

function Quote({ s }: { readonly s: SnapshotOf<'amount'> }): ReactElement {
  const { t, tell } = useWords();
  const most = t('amount.most', { yuan: plainYuan(floorYuan(s.maxFen)) });
  // It is the sum that a limit forbids, and a smaller one can be had.
  if (s.problem !== null && isLimit(s.problem) && s.maxFen >= s.minFen)
    return <Notice title={t('amount.tooMuch')}>{most}</Notice>;
  if (s.problem !== null)
    return <Notice title={tell(s.problem).title}>{tell(s.problem).body}</Notice>;
  if (s.busy || (s.chosenFen !== null && s.quote?.amountFen !== s.chosenFen))
    return (
      <div className={`${ui['panel']} ${css['quoteWords']}`} role="status">
        {t('amount.busy')}
      </div>
    );
  if (s.quote === null)
    return (
      <div className={`${ui['panel']} ${css['quoteWords']}`}>
        {t('amount.choose')}
        {s.limited && <p>{most}</p>}
      </div>
    );
  const granted =
    s.card.granted?.waits === true && s.quote.carriedUsedMicro > 0 ? s.card.granted : null;
  return (
    <>
      <div className={`${ui['panel']} ${css['quote']}`}>
        <QuoteLines quote={s.quote} unit={s.card.unit} toldOfUse={granted !== null} />
      </div>
      {s.quote.offline && <p className={css['quoteNote']}>{t('amount.offline')}</p>}
      {granted !== null && (
        <p className={css['quoteNote']}>
          {t('granted.waits', { quantity: amountOf(granted.quantity, s.card.unit) })}
        </p>
      )}
      {!s.printerReady && <p className={css['quoteNote']}>{t('amount.noPrinter')}</p>}
    </>
  );
}

function QuoteLines({
  quote,
  unit,
  toldOfUse,
}: {
  readonly quote: QuoteView;
  readonly unit: 'volume' | 'money';
  /** A note beside it tells what is used of the account. */
  readonly toldOfUse: boolean;
}): ReactElement {
  const { t, locale } = useWords();
  const single = quote.shares.length === 1;
  const first = quote.shares[0];
  const total = { label: t(`amount.toWrite.${unit}`), value: amountOf(quote.quantity, unit) };
  return (
    <>
      {single && first !== undefined ? (
        <Facts
          facts={[
            // Money bought for money has no price.
            ...(unit === 'money'
              ? []
              : [
                  {
                    label: t('card.price'),
                    value: t('price.value', { price: formatPrice(first.priceE4) }),
                  },
                ]),
            total,
          ]}
        />
      ) : (
        <div className={css['tiers']}>
          <ul>
            {quote.shares.map((share) => (
              <li key={share.tier}>
                <b>{tierName(share.tier, t('tier'), locale === 'zh-CN')}</b>
                <span>
                  {t('amount.per', {
                    price: formatPrice(share.priceE4),
                    quantity: amountOf(share.quantity, 'volume'),
                  })}
                </span>
              </li>
            ))}
          </ul>
          <Facts facts={[{ ...total, full: true }]} />
        </div>
      )}
      {quote.carriedUsedMicro > 0 && !toldOfUse && (
        <p className={css['carried']}>
          {t('amount.carriedUsed', { yuan: formatMicroYuan(quote.carriedUsedMicro) })}
        </p>
      )}
      {quote.carriedAfterMicro > 0 && (
        <p className={css['carried']}>
          {t('amount.carriedAfter', { yuan: formatMicroYuan(quote.carriedAfterMicro) })}
        </p>
      )}
    </>
  );
}
