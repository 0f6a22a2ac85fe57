import type { CSSProperties, ReactElement } from 'react';
import type { UseView } from '../../shared/contract/index.ts';
import { formatQuantity } from '../../shared/money.ts';
import { useWords } from '../i18n/index.ts';
import css from './use-chart.module.css';

/** The drawing's own units; it is stretched to its box, text stands beside it in HTML. */
const WIDE = 1_200;
const HIGH = 400;
const SLOT = WIDE / 12;
const BAR = 64;
type Month = UseView['months'][number];

/** `37.50` → `37.5`, `12.00` → `12`, `123.45` → `123`: short enough to stand over a bar. */
const short = (quantity: number): string =>
  quantity >= 10_000
    ? String(Math.round(quantity / 100))
    : formatQuantity(quantity).replace(/\.?0+$/, '');

/**
 * Twelve months as bars, with what a month may be on average before the next tier begins. Whoever
 * cannot see it has the same as a list of months.
 */
export function UseChart({ use }: { readonly use: UseView }): ReactElement {
  const { t } = useWords();
  const { months, year, kind, unit } = use;
  const most = Math.max(1, ...months.map(quantityOf), averagesOf(year)[0]?.at ?? 0);
  const averages = averagesOf(year).filter(({ at }) => at <= most);
  const y = (quantity: number): number => (1 - quantity / most) * HIGH;
  const told = (m: Month): string =>
    m.quantity === null
      ? t('my.chart.unknown', { month: m.month })
      : t('my.chart.month', { month: m.month, quantity: formatQuantity(m.quantity) });
  const last = months.length - 1;
  const highest = months.findIndex((m) => m.quantity === Math.max(...months.map(quantityOf)));
  return (
    <figure className={css['figure']}>
      <div className={css['plot']}>
        <svg
          className={css['svg']}
          viewBox={`0 0 ${WIDE} ${HIGH}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${t(`my.chart.${kind}`, { unit: t(`my.unit.${unit}`) })}. ${months.map(told).join('; ')}`}
        >
          {months.map((m, i) => (
            <rect
              key={m.month}
              className={`${css['bar']} ${i === last ? css['now'] : ''} ${m.estimated ? css['guess'] : ''}`}
              x={i * SLOT + (SLOT - BAR) / 2}
              y={y(m.quantity ?? 0)}
              width={BAR}
              height={HIGH - y(m.quantity ?? 0)}
              data-month={m.month}
              data-quantity={m.quantity ?? ''}
            />
          ))}
          {averages.map(({ tier, at }) => (
            <line
              key={tier}
              className={css['tier']}
              x1={0}
              x2={WIDE}
              y1={y(at)}
              y2={y(at)}
              data-tier={tier}
            />
          ))}
        </svg>
        {months.map(
          (m, i) =>
            m.quantity !== null &&
            (i === last || (i === highest && i < last - 1)) && (
              <b
                key={m.month}
                className={`${css['value']} ${i === last ? css['atEnd'] : ''}`}
                style={heightOf(i, m.quantity / most)}
              >
                {short(m.quantity)}
              </b>
            ),
        )}
      </div>
      <div className={css['months']} aria-hidden="true">
        {months.map((m, i) => (
          <span key={m.month} className={i === last ? css['thisMonth'] : undefined}>
            {Number(m.month.slice(5))}
          </span>
        ))}
      </div>
      {averages.length > 0 && (
        <figcaption className={css['legend']}>
          <span className={css['dash']} aria-hidden="true" />
          <span>
            {averages
              .map(({ tier, at }) => t('my.chart.tier', { tier, at: short(Math.floor(at)) }))
              .join(t('my.chart.and'))}
          </span>
        </figcaption>
      )}
    </figure>
  );
}

/** What a month may be on average before each next tier begins. */
const averagesOf = (year: UseView['year']) =>
  (year?.tiers ?? []).flatMap(({ uptoQuantity }, i) =>
    uptoQuantity === null ? [] : [{ tier: i + 2, at: uptoQuantity / 12 }],
  );

/** Over its bar: the plot has room for a number above the highest one. */
const heightOf = (i: number, share: number): CSSProperties => ({
  // The last one keeps to the edge, however long its number is.
  ...(i === 11 ? { right: 0 } : { left: `${((i + 0.5) / 12) * 100}%` }),
  bottom: `calc((100% - 1.5 * var(--t-fine)) * ${share.toFixed(4)})`,
});

const quantityOf = (m: Month): number => m.quantity ?? 0;
