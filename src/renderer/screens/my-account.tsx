import { useState } from 'react';
import type { ReactElement } from 'react';
import type { FaultView, PurchaseView, SnapshotOf, UseView } from '../../shared/contract/index.ts';
import { formatQuantity, formatYuan } from '../../shared/money.ts';
import { tierStanding } from '../../shared/my-account.ts';
import { isUserNo } from '../../shared/requests.ts';
import { chinaTime } from '../../shared/time.ts';
import { grouped } from '../components/pad.tsx';
import { Qr } from '../components/qr.tsx';
import {
  ActionButton,
  Bar,
  Facts,
  IntentButton,
  Message,
  Notice,
  Phrases,
  useCardFacts,
} from '../components/ui.tsx';
import type { Fact } from '../components/ui.tsx';
import ui from '../components/ui.module.css';
import { UseChart } from '../components/use-chart.tsx';
import { amountOf, useWords } from '../i18n/index.ts';
import type { Translate } from '../i18n/index.ts';
import { act } from '../state/store.ts';
import css from './my-account.module.css';
import { Typing } from './requests.tsx';
import screens from './screens.module.css';

type Screen = SnapshotOf<'my-account'>;

/** Whose account: the user number, then four digits that only its holder knows. */
export function MyAccountNo({ s }: { readonly s: SnapshotOf<'my-account-no'> }): ReactElement {
  const { t } = useWords();
  return s.busy ? (
    <Message disc="wait" title={t('my.no.asking')} />
  ) : (
    <div className={screens['column']}>
      <NumberPad s={s} />
    </div>
  );
}

function NumberPad({ s }: { readonly s: SnapshotOf<'my-account-no'> }): ReactElement {
  const { t, pick, tell } = useWords();
  const [userNo, setUserNo] = useState<string | null>(null);
  const back = (
    <div className={`${ui['actions']} ${screens['single']}`}>
      <ActionButton ghost does={{ type: 'exit' }}>
        {t('hall.home')}
      </ActionButton>
    </div>
  );
  if (userNo !== null)
    return (
      <Typing
        key="last4"
        title={t('my.no.last4')}
        hint={t('my.no.last4.hint')}
        bad=""
        length={4}
        valid={(digits) => digits.length === 4}
        shape={(digits) => digits.padEnd(4, '_')}
        onOk={{
          intent: 'my-look',
          press: (last4) => act({ type: 'my-look', value: userNo, last4 }),
        }}
      >
        {back}
      </Typing>
    );
  return (
    <>
      {s.problem !== null && (
        <div className={`${ui['notice']} ${css['problem']}`} role="alert" data-problem={s.problem}>
          <b>{tell(s.problem).title}</b>
          <span>{tell(s.problem).body}</span>
        </div>
      )}
      <Typing
        key="number"
        title={t('my.no.title')}
        hint={pick(s.hint)}
        bad=""
        length={s.digits}
        valid={isUserNo}
        shape={(digits) => (digits === '' ? '_' : grouped(digits))}
        onOk={{ intent: 'my-number-typed', press: setUserNo }}
      >
        {back}
      </Typing>
    </>
  );
}

/** A customer's own account: what he used, what he bought, what is on his card. */
export function MyAccount({ s }: { readonly s: Screen }): ReactElement {
  const { t } = useWords();
  return (
    <div className={screens['column']} data-page={s.order === null ? s.page : 'order'}>
      {s.order === null && s.pages.length > 1 && (
        <div className={css['chips']}>
          {s.pages.map((page) => (
            <IntentButton
              key={page}
              does={{ type: 'my-page', value: page }}
              pressed={page === s.page}
              className={css['chip']}
            >
              {t(`my.page.${page}`)}
            </IntentButton>
          ))}
          {s.page === 'use' && s.use !== null && s.kinds.length > 1 && <Kinds s={s} use={s.use} />}
        </div>
      )}
      {s.away && <Notice>{t('my.away')}</Notice>}
      {s.order !== null ? (
        <Order s={s} order={s.order} />
      ) : s.page === 'purchases' ? (
        <Purchases s={s} />
      ) : s.page === 'card' && s.card !== null ? (
        <OnTheCard s={s} card={s.card} />
      ) : (
        <Use s={s} />
      )}
      <Actions s={s} />
    </div>
  );
}

function Actions({ s }: { readonly s: Screen }): ReactElement {
  const { t } = useWords();
  const open = s.order !== null;
  return (
    <>
      {s.slip !== 'none' && (
        <p className={`${ui['note']} ${ui['center']}`} role="status">
          {t(`my.slip.${s.slip}`)}
        </p>
      )}
      <div className={ui['actions']}>
        <ActionButton ghost does={{ type: open ? 'back' : 'exit' }}>
          {t(open ? 'back' : 'finish')}
        </ActionButton>
        {(s.canPrint || s.slip === 'printing') && (
          <ActionButton ghost={!open} does={{ type: 'print' }} disabled={s.slip === 'printing'}>
            {t(open ? 'my.copy' : 'my.print')}
          </ActionButton>
        )}
        {!open && s.recharge && (
          <ActionButton does={{ type: 'recharge' }}>{t('my.recharge')}</ActionButton>
        )}
      </div>
    </>
  );
}

/** So many warnings stand under a chart, and beside a card's facts. */
const WARNINGS = { use: 1, card: 2 } as const;

function Use({ s }: { readonly s: Screen }): ReactElement {
  const { t } = useWords();
  const facts = useLeft(s);
  const { use } = s;
  const guessed = use?.months.some((m) => m.estimated && m.quantity !== null) === true;
  return (
    <div className={`${css['use']} ${css['beside']}`}>
      <section className={`${ui['panel']} ${css['chart']}`}>
        {use === null ? (
          <p className={ui['lead']}>{t('my.chart.none')}</p>
        ) : (
          <>
            <h1 className={css['title']}>
              {t(`my.chart.${use.kind}`, { unit: t(`my.unit.${use.unit}`) })}
            </h1>
            <UseChart use={use} />
            {guessed && <p className={css['fine']}>{t('my.chart.estimated')}</p>}
          </>
        )}
      </section>
      <div className={css['side']}>
        {(facts.length > 0 || (use !== null && use.year !== null)) && (
          <div className={`${ui['panel']} ${css['left']}`}>
            <Facts facts={facts} />
            {use !== null && <Year use={use} />}
          </div>
        )}
        <Warnings s={s} most={WARNINGS.use} />
      </div>
    </div>
  );
}

/** What is left: on the card and in the meter, or on the account. */
function useLeft(s: Screen): readonly Fact[] {
  const { t } = useWords();
  const { card, balance, meter } = s;
  const onCard = card?.view;
  if (onCard !== undefined)
    return [
      {
        label: t(`card.pending.${onCard.unit}`),
        value: amountOf(onCard.pendingQuantity, onCard.unit),
      },
      {
        label: t(`card.remaining.${onCard.unit}`),
        value: amountOf(onCard.remainingQuantity, onCard.unit),
      },
    ];
  const facts: Fact[] = [];
  if (balance !== null)
    facts.push({
      label: t(balance.fen < 0 ? 'my.owed' : 'my.balance'),
      value: `¥${formatYuan(Math.abs(balance.fen))}`,
    });
  if (balance !== null && balance.onTheWayFen > 0)
    facts.push({ label: t('my.onTheWay'), value: `¥${formatYuan(balance.onTheWayFen)}` });
  if (meter !== null)
    facts.push({
      label: t(`my.meterLeft.${meter.unit}`, { date: chinaTime(meter.atMs).slice(5, 10) }),
      value: amountOf(meter.remaining, meter.unit),
    });
  return facts.slice(0, 2);
}

/** Which of several utilities is shown. */
function Kinds({ s, use }: { readonly s: Screen; readonly use: UseView }): ReactElement {
  const { t } = useWords();
  return (
    <div className={`${css['chips']} ${css['kinds']}`}>
      {s.kinds.map((kind, index) => (
        <IntentButton
          key={kind}
          does={{ type: 'my-kind', value: index }}
          pressed={kind === use.kind}
          className={css['chip']}
        >
          {t(`my.kind.${kind}`)}
        </IntentButton>
      ))}
    </div>
  );
}

/** Where the tariff's year stands: a bar beside words. */
function Year({ use }: { readonly use: UseView }): ReactElement | null {
  const { t } = useWords();
  const { year } = use;
  const standing = year === null ? null : tierStanding(year.quantity, year.tiers);
  if (year === null || standing === null) return null;
  const { tier, left } = standing;
  const since = year.since.slice(5) === '01-01' ? '' : t('my.year.since', { since: year.since });
  const said = `${t(`my.year.${year.counted}`, { quantity: formatQuantity(year.quantity) })}${since}`;
  const end = left === null ? year.quantity : year.quantity + left;
  return (
    <>
      <Bar percent={end === 0 ? 0 : Math.round((year.quantity * 100) / end)} />
      <p className={ui['note']}>
        <Phrases
          text={
            left === null
              ? t('my.year.last', { year: said, tier })
              : t('my.year.left', {
                  year: said,
                  tier,
                  left: formatQuantity(left),
                  unit: t(`my.unit.${use.unit}`),
                })
          }
        />
      </p>
    </>
  );
}

/** Abnormal use and what the meter reports, the most urgent first. */
function Warnings({ s, most }: { readonly s: Screen; readonly most: number }): ReactElement {
  const { t } = useWords();
  const numbers = { emergency: s.emergency, hotline: s.header.hotline };
  const { use } = s;
  const found = use?.abnormal ?? null;
  const said = [
    ...s.faults.filter(isUrgent).map((f) => faultWords(f, t, numbers)),
    ...(use === null || found === null
      ? []
      : [
          {
            title: t('my.abnormal.title'),
            body: t(`my.abnormal.${use.kind}`, {
              ...numbers,
              when: found.goesOn
                ? t('my.abnormal.now')
                : t('my.abnormal.month', { month: Number(found.month.slice(5)) }),
              times: (found.percent / 100).toFixed(1),
            }),
          },
        ]),
    ...s.faults.filter((f) => !isUrgent(f)).map((f) => faultWords(f, t, numbers)),
  ].slice(0, most);
  return (
    <>
      {said.map(({ title, body }) => (
        <Notice key={title} title={title}>
          {body}
        </Notice>
      ))}
    </>
  );
}

const isUrgent = ({ fault }: FaultView): boolean => fault === 'leak' || fault === 'flow';

function faultWords(
  { fault, kind }: FaultView,
  t: Translate,
  numbers: { readonly emergency: string; readonly hotline: string },
): { readonly title: string; readonly body: string } {
  if (fault === 'leak' || fault === 'flow') {
    const of = kind === 'gas' ? 'gas' : 'other';
    return {
      title: t(`my.fault.${fault}.${of}.title`),
      body: t(`my.fault.${fault}.${of}`, numbers),
    };
  }
  return { title: t(`my.fault.${fault}.title`), body: t(`my.fault.${fault}`, numbers) };
}

function OnTheCard({
  s,
  card,
}: {
  readonly s: Screen;
  readonly card: NonNullable<Screen['card']>;
}): ReactElement {
  const { t } = useWords();
  const facts = useCardFacts(card.view);
  const fuel = card.view.kind === 'fuel';
  return (
    <div className={css['use']}>
      <div className={`${ui['panel']} ${screens['wideFacts']}`}>
        <h1 className={css['title']}>{t('info.title')}</h1>
        <Facts
          facts={[
            facts.pending,
            ...(facts.remaining === null ? [] : [facts.remaining]),
            facts.year,
            ...(facts.price === null ? [] : [facts.price]),
            facts.count,
            ...(fuel
              ? []
              : [
                  { label: t('my.card.taken'), value: t('card.countValue', { count: card.taken }) },
                ]),
            {
              label: t(fuel ? 'info.lastFilling' : 'info.lastVisit'),
              value: card.lastVisit ?? t('info.none'),
            },
          ]}
        />
      </div>
      {s.faults.length === 0 ? (
        !fuel && <p className={ui['note']}>{t('my.card.fine')}</p>
      ) : (
        <Warnings s={s} most={WARNINGS.card} />
      )}
    </div>
  );
}

/** `2026-11-03 · 本机 · 已写入卡`. */
function whereWhen(p: PurchaseView, t: Translate): string {
  return [
    chinaTime(p.atMs).slice(0, 10),
    p.here ? t('my.here') : t('my.machine', { machine: p.machine }),
    t(`my.stands.${p.stands}`),
  ].join(' · ');
}

const itemOf = (p: PurchaseView, t: Translate): string =>
  p.kinds.map((kind) => (kind === 'card' ? t('my.item.card') : t(`kind.${kind}`))).join(' · ');

function Purchases({ s }: { readonly s: Screen }): ReactElement {
  const { t } = useWords();
  return (
    <div className={css['use']}>
      <h1 className={css['title']}>{t('my.purchases.title')}</h1>
      {s.purchases.length === 0 ? (
        <p className={ui['lead']}>{t('my.purchases.none')}</p>
      ) : (
        <>
          <p className={ui['note']}>{t('my.purchases.lead')}</p>
          <div className={css['list']}>
            {s.purchases.map((p, index) => (
              <IntentButton
                key={`${p.orderRef} ${p.atMs}`}
                does={{ type: 'my-order', value: index }}
                className={css['purchase']}
              >
                <b>
                  ¥{formatYuan(p.amountFen)}
                  {p.quantity === null
                    ? ` · ${itemOf(p, t)}`
                    : ` · ${amountOf(p.quantity, p.unit)}`}
                </b>
                <span>{whereWhen(p, t)}</span>
              </IntentButton>
            ))}
          </div>
        </>
      )}
    </div>
  );
}

function Order({
  s,
  order,
}: {
  readonly s: Screen;
  readonly order: NonNullable<Screen['order']>;
}): ReactElement {
  const { t } = useWords();
  const facts: Fact[] = [
    { label: t('paid'), value: `¥${formatYuan(order.amountFen)}` },
    order.quantity === null
      ? { label: t('my.order.what'), value: itemOf(order, t) }
      : { label: t('done.written'), value: amountOf(order.quantity, order.unit) },
    { label: t('my.order.when'), value: chinaTime(order.atMs).slice(0, 16) },
    {
      label: t('my.order.where'),
      value: order.here ? t('my.here') : t('my.machine', { machine: order.machine }),
    },
    { label: t('my.order.stands'), value: t(`my.stands.${order.stands}`) },
    { label: t('orderRef'), value: order.orderRef },
  ];
  return (
    <div className={css['use']}>
      <h1 className={css['title']}>
        {s.numberMasked} · {itemOf(order, t)}
      </h1>
      <div className={ui['panel']}>
        <Facts facts={facts} />
      </div>
      {order.receiptUrl !== null && (
        <div className={`${ui['panel']} ${screens['receiptCode']}`}>
          <Qr
            className={screens['receiptQr']}
            text={order.receiptUrl}
            label={t('receipt.code.title')}
          />
          <div>
            <b>{t('receipt.code.title')}</b>
            <p>{t('receipt.code.lead')}</p>
          </div>
        </div>
      )}
    </div>
  );
}
