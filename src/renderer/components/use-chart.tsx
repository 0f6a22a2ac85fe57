import type { ReactElement } from 'react';
import type { UseView } from '../../shared/contract/index.ts';
import { formatQuantity } from '../../shared/money.ts';
import { useWords } from '../i18n/index.ts';
import css from './use-chart.module.css';

/** The drawing's own units; it is stretched to its box, text stands beside it in HTML. */
const WIDE = 1_200;
const HIGH = 400;
const SLOT = WIDE / 12;
const BAR = 64;
/** Above the highest bar there is room for its number. */
const HEAD = 1.18;

type Month = UseView['months'][number];

/** `37.50` → `37.5`, `12.00` → `12`: short enough to stand over a bar. */
const short = (quantity: number): string => formatQuantity(quantity).replace(/\.?0+$/, '') || '0';

/**
 * Twelve months as bars, with what a month may be on average before the next tier begins. Whoever
 * cannot see it has the same as a list of months.
 */
export function UseChart({ use }: { readonly use: UseView }): ReactElement {
  const { t } = useWords();
  const { months, year, kind, unit } = use;
  const averages = (year?.tiers ?? []).flatMap(({ uptoQuantity }, i) =>
    uptoQuantity === null ? [] : [{ tier: i + 2, at: uptoQuantity / 12 }],
  );
  const most = Math.max(1, ...months.map((m) => m.quantity ?? 0), averages[0]?.at ?? 0);
  const top = most * HEAD;
  const share = (quantity: number): number => 1 - quantity / top;
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
          {months.map((m, i) => {
            const y = share(m.quantity ?? 0) * HIGH;
            return (
              <rect
                key={m.month}
                className={`${css['bar']} ${i === last ? css['now'] : ''} ${m.estimated ? css['guess'] : ''}`}
                x={i * SLOT + (SLOT - BAR) / 2}
                y={y}
                width={BAR}
                height={HIGH - y}
                data-month={m.month}
                data-quantity={m.quantity ?? ''}
              />
            );
          })}
          {averages
            .filter(({ at }) => at <= most)
            .map(({ tier, at }) => (
              <line
                key={tier}
                className={css['tier']}
                x1={0}
                x2={WIDE}
                y1={share(at) * HIGH}
                y2={share(at) * HIGH}
                data-tier={tier}
              />
            ))}
        </svg>
        {averages
          .filter(({ at }) => at <= most)
          .map(({ tier, at }) => (
            <span key={tier} className={css['tierName']} style={{ top: `${share(at) * 100}%` }}>
              {t('my.chart.tier', { tier })}
            </span>
          ))}
        {months.map(
          (m, i) =>
            m.quantity !== null &&
            (i === last || i === highest) && (
              <b
                key={m.month}
                className={css['value']}
                style={{ left: `${((i + 0.5) / 12) * 100}%`, top: `${share(m.quantity) * 100}%` }}
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
    </figure>
  );
}

const quantityOf = (m: Month): number => m.quantity ?? -1;
