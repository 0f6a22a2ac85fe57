import type { ReactElement } from 'react';
import { useState } from 'react';
import { ERRORS } from '../../../shared/errors.ts';
import { ActionButton, IntentButton, Notice } from '../../components/ui.tsx';
import { useWords } from '../../i18n/index.ts';
import { useNewView } from '../../state/taps.ts';
import { Ask } from './ask.tsx';
import type { Asking, OnAsk } from './asked.ts';
import { LocalButton, parkedOf } from './parts.tsx';
import type { MaintenanceSnapshot } from './parts.tsx';
import { Story } from './story.tsx';
import { TABS } from './tabs.tsx';
import css from './maintenance.module.css';

/** The screen of whoever works at the machine: its tabs, one order's story, and what is asked. */
export function Maintenance({ s }: { readonly s: MaintenanceSnapshot }): ReactElement {
  const { t } = useWords();
  const [asking, setAsking] = useState<Asking | null>(null);
  useNewView(`${asking?.action ?? ''} ${s.openOrderId ?? ''} ${s.tab}`);
  const ask: OnAsk = (action, target, about, { why = true } = {}) =>
    setAsking({ action, target, about, why });
  if (asking !== null)
    return (
      <div className={css['maint']}>
        <Ask asking={asking} onEnd={() => setAsking(null)} />
      </div>
    );
  const open =
    s.openOrderId === null ? undefined : s.orders.find((order) => order.orderId === s.openOrderId);
  if (open !== undefined)
    return (
      <div className={css['maint']}>
        <Story order={open} large={s.access.largeText} message={s.message} onAsk={ask} />
      </div>
    );
  const Tab = TABS[s.tab];
  return (
    <div className={css['maint']}>
      <nav className={css['tabs']}>
        {s.tabs.map((tab) => (
          <IntentButton
            key={tab}
            does={{ type: 'maintenance-tab', value: tab }}
            className={`${css['tab']} ${tab === s.tab ? css['tabOn'] : ''}`}
          >
            {t(`mnt.tab.${tab}`)}
            {tab === 'orders' && s.search === null && parkedOf(s).length > 0
              ? ` ${parkedOf(s).length}`
              : ''}
          </IntentButton>
        ))}
      </nav>
      <div className={css['body']}>
        <Tab s={s} onAsk={ask} />
      </div>
      <Told s={s} />
      <Leaving s={s} onAsk={ask} />
    </div>
  );
}

/** The way out, and out of service or back. */
function Leaving({
  s,
  onAsk,
}: {
  readonly s: MaintenanceSnapshot;
  readonly onAsk: OnAsk;
}): ReactElement {
  const { t } = useWords();
  const other = s.outOfService ? 'back-in-service' : 'out-of-service';
  const leave = (
    <ActionButton ghost={s.outOfService} does={{ type: 'exit' }}>
      {t(s.outOfService ? 'mnt.exitStopped' : 'mnt.exitServing')}
    </ActionButton>
  );
  const turn = s.may.includes(other) && (
    <LocalButton ghost={!s.outOfService} name={other} onPress={() => onAsk(other, null, '')}>
      {t(`mnt.do.${other}`)}
    </LocalButton>
  );
  return (
    <div className={css['bottom']}>
      {s.outOfService ? (
        <>
          {leave}
          {turn}
        </>
      ) : (
        <>
          {turn}
          {leave}
        </>
      )}
    </div>
  );
}

/** What the last action did, else why nothing may be sold, else what waits for a person. */
function Told({ s }: { readonly s: MaintenanceSnapshot }): ReactElement | null {
  const { t, pick } = useWords();
  if (s.message !== null)
    return (
      <div role="status">
        <Notice>{pick(s.message)}</Notice>
      </div>
    );
  // The panel above says it at length.
  if (s.tab === 'sync' && s.sync.damage !== null) return null;
  if (s.blocked !== null)
    return (
      <Notice title={`${s.blocked} ${pick(ERRORS[s.blocked].title)}`}>
        {t('mnt.blocked')}
        {pick(ERRORS[s.blocked].technician)}
      </Notice>
    );
  const parked = parkedOf(s);
  if (parked.length > 0 && s.tab === 'devices')
    return (
      <Notice title={t('mnt.parked', { count: parked.length })}>
        {[...new Set(parked.map((order) => pick(order.reason)))].slice(0, 2).join(' · ')}
      </Notice>
    );
  return null;
}
