import type { ReactElement } from 'react';
import { useState } from 'react';
import type { OrderStory } from '../../../shared/contract/index.ts';
import { ORDER_STATES } from '../../../shared/order-rules.ts';
import { formatYuan } from '../../../shared/money.ts';
import { ActionButton, Facts, Notice } from '../../components/ui.tsx';
import type { Fact } from '../../components/ui.tsx';
import { useWords } from '../../i18n/index.ts';
import type { MessageKey, Translate } from '../../i18n/index.ts';
import { formatStamp } from '../../state/time.ts';
import { isAsked } from './asked.ts';
import type { OnAsk } from './asked.ts';
import { LocalButton, Pager, pageOf, usePageSize } from './parts.tsx';
import type { MaintenanceSnapshot } from './parts.tsx';
import ui from '../../components/ui.module.css';
import css from './maintenance.module.css';

/** The order's state in words; one that this view does not know is shown as it is. */
export function stateWord(t: Translate, state: string): string {
  return state === 'settled' || (ORDER_STATES as readonly string[]).includes(state)
    ? t(`mnt.state.${state}` as MessageKey)
    : state;
}

/** How it is coloured. */
export function stateTone(state: string): 'ok' | 'wait' | 'bad' | 'none' {
  if (state === 'parked') return 'bad';
  if (state === 'delivered' || state === 'refunded' || state === 'settled') return 'ok';
  return state === 'closed' ? 'none' : 'wait';
}

/** What became of an order, and what takes it on. */
export function Story({
  order,
  large,
  message,
  onAsk,
}: {
  readonly order: OrderStory;
  readonly large: boolean;
  readonly message: MaintenanceSnapshot['message'];
  readonly onAsk: OnAsk;
}): ReactElement {
  const { t, pick } = useWords();
  const size = usePageSize('story', large);
  // The newest page first: that is where the order is stuck.
  const [wanted, setWanted] = useState(Number.MAX_SAFE_INTEGER);
  const { items, page, pages } = pageOf(order.story, size, wanted, 'last');
  const facts: Fact[] = [
    { label: t('orderRef'), value: order.orderRef },
    { label: t('mnt.amount'), value: `¥${formatYuan(order.amountFen)}` },
    { label: t('card.number'), value: order.cardMasked },
    { label: t('mnt.stateLabel'), value: stateWord(t, order.state) },
  ];
  return (
    <>
      <div className={`${ui['panel']} ${css['storyFacts']}`}>
        <Facts facts={facts} />
      </div>
      {(pick(order.reason) !== '' || pick(order.nextStep) !== '') && (
        <Notice title={pick(order.reason)}>{pick(order.nextStep)}</Notice>
      )}
      {message !== null && (
        <div role="status">
          <Notice>{pick(message)}</Notice>
        </div>
      )}
      <div className={`${ui['panel']} ${css['storyPanel']}`}>
        <ol className={css['story']}>
          {items.map((line, at) => (
            <li key={`${page}-${at}`}>
              <time>{formatStamp(line.atMs, true)}</time>
              <span>{pick(line.text)}</span>
            </li>
          ))}
        </ol>
        <Pager page={page} pages={pages} onPage={setWanted} />
      </div>
      <div className={css['storyActions']}>
        {order.actions.map((action) =>
          isAsked(action) ? (
            <LocalButton
              key={action}
              name={action}
              ghost={action !== 'retry-refund'}
              onPress={() =>
                onAsk(action, order.orderId, `${order.orderRef} · ¥${formatYuan(order.amountFen)}`)
              }
            >
              {t(`mnt.do.${action}`)}
            </LocalButton>
          ) : (
            <ActionButton
              key={action}
              ghost
              does={{ type: 'maintenance-do', value: action, target: order.orderId }}
            >
              {t(`mnt.do.${action}`)}
            </ActionButton>
          ),
        )}
        <ActionButton ghost does={{ type: 'maintenance-order', value: '' }}>
          {t('back')}
        </ActionButton>
      </div>
    </>
  );
}
