import type { ReactElement } from 'react';
import { useState } from 'react';
import { ORDER_SEARCHES, SEARCH_DIGITS } from '../../../shared/contract/index.ts';
import type { OrderSearch } from '../../../shared/contract/index.ts';
import { formatYuan } from '../../../shared/money.ts';
import { Disc } from '../../components/art.tsx';
import { grouped, Pad, typeDigit } from '../../components/pad.tsx';
import { IntentButton } from '../../components/ui.tsx';
import { useWords } from '../../i18n/index.ts';
import { act } from '../../state/store.ts';
import { formatStamp } from '../../state/time.ts';
import { Pager, pageOf, usePageSize } from './parts.tsx';
import type { MaintenanceSnapshot, TabProps } from './parts.tsx';
import { stateTone, stateWord } from './story.tsx';
import ui from '../../components/ui.module.css';
import css from './maintenance.module.css';
import screens from '../screens.module.css';

/** The newest orders, or those that were searched for. */
export function Orders({ s }: TabProps): ReactElement {
  const { t, pick } = useWords();
  const [wanted, setWanted] = useState(0);
  const [searching, setSearching] = useState(false);
  const size = usePageSize('orders', s.access.largeText);
  const { items, page, pages } = pageOf(s.orders, size, wanted);
  if (searching) return <SearchForm onEnd={() => setSearching(false)} />;
  if (s.orders.length === 0)
    return (
      <>
        <SearchBar s={s} onSearch={() => setSearching(true)} />
        <div className={css['nothing']}>
          {s.search === null && <Disc kind="ok" />}
          <p>{t(s.search === null ? 'mnt.noOrders' : 'mnt.search.nothing')}</p>
        </div>
      </>
    );
  return (
    <>
      <SearchBar s={s} onSearch={() => setSearching(true)} />
      <ul className={css['orders']}>
        {items.map((order) => (
          <li key={order.orderId}>
            <IntentButton
              does={{ type: 'maintenance-order', value: order.orderId }}
              className={css['row']}
            >
              <i className={css[stateTone(order.state)]} />
              <span className={css['rowText']}>
                <b>
                  {order.orderRef}
                  <small>{stateWord(t, order.state)}</small>
                </b>
                <span>
                  {formatStamp(order.createdMs)} · {order.cardMasked}
                </span>
                {order.state === 'parked' && <span>{pick(order.reason)}</span>}
              </span>
              <span className={css['sum']}>¥{formatYuan(order.amountFen)}</span>
            </IntentButton>
          </li>
        ))}
      </ul>
      <Pager page={page} pages={pages} onPage={setWanted} />
    </>
  );
}

/** What is shown, and the way to another search. */
function SearchBar({
  s,
  onSearch,
}: {
  readonly s: MaintenanceSnapshot;
  readonly onSearch: () => void;
}): ReactElement {
  const { t } = useWords();
  const { search } = s;
  return (
    <div className={css['searchBar']}>
      <span role="status">
        {search === null
          ? t('mnt.search.newest')
          : t(search.more ? 'mnt.search.more' : 'mnt.search.found', {
              by: t(`mnt.search.${search.by}`),
              text: search.text,
              count: s.orders.length,
            })}
      </span>
      {search !== null && (
        <IntentButton
          className={css['do']}
          does={{ type: 'maintenance-search', by: search.by, value: '' }}
        >
          {t('mnt.search.clear')}
        </IntentButton>
      )}
      <button type="button" className={css['do']} data-local="search" onClick={onSearch}>
        {t('mnt.search')}
      </button>
    </div>
  );
}

/** Digits of a slip, of a card, a sum or a day. */
function SearchForm({ onEnd }: { readonly onEnd: () => void }): ReactElement {
  const { t } = useWords();
  const [by, setBy] = useState<OrderSearch>('ref');
  const [text, setText] = useState('');
  const [least, most] = SEARCH_DIGITS[by];
  const ready = text.length >= least && (by !== 'day' || text.length === 4 || text.length === 8);
  const search = (): void => {
    act({ type: 'maintenance-search', by, value: text });
    onEnd();
  };
  return (
    <div className={css['searchForm']}>
      <div className={css['segments']} role="radiogroup">
        {ORDER_SEARCHES.map((one) => (
          <button
            key={one}
            type="button"
            role="radio"
            aria-checked={by === one}
            className={`${css['segment']} ${by === one ? css['segmentOn'] : ''}`}
            data-local={`by-${one}`}
            onClick={() => {
              setBy(one);
              setText('');
            }}
          >
            {t(`mnt.search.${one}`)}
          </button>
        ))}
      </div>
      <div className={`${ui['panel']} ${screens['keypad']} ${css['refPad']}`}>
        <p className={ui['note']}>{t(`mnt.search.hint.${by}`)}</p>
        <output className={css['reference']} data-typed={text}>
          {text === '' ? '—' : by === 'sum' ? `¥${text}` : grouped(text)}
        </output>
        <Pad
          onKey={(key) => setText((now) => typeDigit(now, key, most))}
          ok={{ intent: 'maintenance-search', value: by, enabled: ready, press: search }}
        />
      </div>
      <button type="button" className={css['do']} data-local="search-cancel" onClick={onEnd}>
        {t('mnt.ask.cancel')}
      </button>
    </div>
  );
}
