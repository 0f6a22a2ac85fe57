import type { ReactElement, ReactNode } from 'react';
import { useState, useSyncExternalStore } from 'react';
import { MAINTENANCE_TABS } from '../../shared/contract/index.ts';
import type {
  DeviceView,
  MaintenanceAction,
  OrderStory,
  SnapshotOf,
} from '../../shared/contract/index.ts';
import { ERRORS } from '../../shared/errors.ts';
import { ORDER_STATES } from '../../shared/order-rules.ts';
import { formatYuan } from '../../shared/money.ts';
import { Disc } from '../components/art.tsx';
import { grouped, Pad, typeDigit } from '../components/pad.tsx';
import { ActionButton, Facts, IntentButton, Notice } from '../components/ui.tsx';
import type { Fact } from '../components/ui.tsx';
import { useWords } from '../i18n/index.ts';
import type { MessageKey, Translate } from '../i18n/index.ts';
import { act } from '../state/store.ts';
import { formatStamp, minutesLeft, useUntil } from '../state/time.ts';
import { useNewView } from '../state/taps.ts';
import ui from '../components/ui.module.css';
import css from './maintenance.module.css';
import screens from './screens.module.css';

type Maintenance = SnapshotOf<'maintenance'>;

/** Fewest and most digits of a PIN. */
const PIN_MIN = 4;
const PIN_MAX = 12;

/** Who are you? The digits live here until they are sent, and are never shown. */
export function MaintenancePin({ s }: { readonly s: SnapshotOf<'maintenance-pin'> }): ReactElement {
  const { t, pick } = useWords();
  const [pin, setPin] = useState('');
  const left = useUntil(s.lockedUntilMs) ?? 0;
  const locked = left > 0;
  const problem = s.card?.problem ?? null;
  /** No PIN makes such a card good. */
  const dead = problem === 'locked' || problem === 'not-ours';
  const quiet = locked || s.busy || dead;
  const say = s.busy
    ? t('pin.busy')
    : dead || (problem === 'no-answer' && pin === '' && !locked)
      ? t(`pin.card.${problem}`)
      : locked
        ? t('pin.locked', { time: minutesLeft(left) })
        : s.wrong && pin === ''
          ? `${pick(ERRORS['MNT-0101'].title)}${t('pin.wrong')}`
          : s.card === null
            ? t('pin.lead')
            : t(s.card.ownPin ? 'pin.card' : 'pin.card.memory', { who: s.card.who });
  const send = (): void => {
    act({ type: 'enter-pin', value: pin });
    setPin('');
  };
  return (
    <div className={`${screens['column']} ${css['pin']}`}>
      <div className={`${ui['panel']} ${screens['keypad']} ${css['pinPad']}`}>
        <h2>{t('pin.title')}</h2>
        <output
          className={css['dots']}
          aria-label={t('pin.digits', { count: pin.length })}
          data-digits={pin.length}
        >
          {Array.from({ length: Math.max(PIN_MIN, pin.length) }, (_, at) => (
            <i key={at} className={at < pin.length ? css['dotOn'] : undefined} />
          ))}
        </output>
        <p
          className={`${screens['keypadHint']} ${!s.busy && (locked || dead || (s.wrong && pin === '')) ? screens['keypadBad'] : ''}`}
          role="status"
        >
          {say}
        </p>
        <Pad
          disabled={quiet}
          onKey={(key) => setPin((now) => typeDigit(now, key, PIN_MAX))}
          ok={{ intent: 'enter-pin', enabled: pin.length >= PIN_MIN, press: send }}
        />
        <ActionButton ghost does={{ type: 'exit' }}>
          {t('back')}
        </ActionButton>
      </div>
    </div>
  );
}

/** Actions that change something: asked once more, with a why. */
const ASKS = [
  'accept-damage',
  'settle-refunded-by-hand',
  'settle-delivered-by-hand',
  'settle-nothing-due',
  'retry-refund',
  'card-lost',
  'out-of-service',
  'back-in-service',
] as const satisfies readonly MaintenanceAction[];
type Asked = (typeof ASKS)[number];
const REASONS = [1, 2, 3, 4] as const;
const REFERENCE_MIN = 4;
const REFERENCE_MAX = 20;

function isAsked(action: MaintenanceAction): action is Asked {
  return (ASKS as readonly MaintenanceAction[]).includes(action);
}

/** Money settled by hand is found again by its receipt's number. */
export function needsReference(action: MaintenanceAction): boolean {
  return (
    action === 'settle-refunded-by-hand' ||
    action === 'settle-delivered-by-hand' ||
    action === 'settle-nothing-due'
  );
}

interface Asking {
  readonly action: Asked;
  readonly target: string | null;
  readonly about: string;
}

/** The technician's screen: devices, orders, journal and line. */
export function Maintenance({ s }: { readonly s: Maintenance }): ReactElement {
  const { t } = useWords();
  const [asking, setAsking] = useState<Asking | null>(null);
  useNewView(`${asking?.action ?? ''} ${s.openOrderId ?? ''} ${s.tab}`);
  const ask = (action: Asked, target: string | null, about: string): void =>
    setAsking({ action, target, about });
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
  return (
    <div className={css['maint']}>
      <nav className={css['tabs']}>
        {MAINTENANCE_TABS.map((tab) => (
          <IntentButton
            key={tab}
            does={{ type: 'maintenance-tab', value: tab }}
            className={`${css['tab']} ${tab === s.tab ? css['tabOn'] : ''}`}
          >
            {t(`mnt.tab.${tab}`)}
            {tab === 'orders' && parkedOf(s).length > 0 ? ` ${parkedOf(s).length}` : ''}
          </IntentButton>
        ))}
      </nav>
      <div className={css['body']}>
        {s.tab === 'devices' && <Devices s={s} />}
        {s.tab === 'orders' && <Orders s={s} />}
        {s.tab === 'sync' && <Sync s={s} onAsk={ask} />}
      </div>
      <Told s={s} />
      <div className={css['bottom']}>
        {s.outOfService ? (
          <>
            <ActionButton ghost does={{ type: 'exit' }}>
              {t('mnt.exitStopped')}
            </ActionButton>
            <LocalButton name="back-in-service" onPress={() => ask('back-in-service', null, '')}>
              {t('mnt.do.back-in-service')}
            </LocalButton>
          </>
        ) : (
          <>
            <LocalButton
              ghost
              name="out-of-service"
              onPress={() => ask('out-of-service', null, '')}
            >
              {t('mnt.do.out-of-service')}
            </LocalButton>
            <ActionButton does={{ type: 'exit' }}>{t('mnt.exitServing')}</ActionButton>
          </>
        )}
      </div>
    </div>
  );
}

function LocalButton({
  name,
  ghost = false,
  onPress,
  children,
}: {
  readonly name: string;
  readonly ghost?: boolean;
  readonly onPress: () => void;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <button
      type="button"
      className={`${ui['btn']} ${ghost ? ui['ghost'] : ''}`}
      data-local={name}
      onClick={onPress}
    >
      {children}
    </button>
  );
}

/** What the last action did, else why nothing may be sold, else what waits for a person. */
function Told({ s }: { readonly s: Maintenance }): ReactElement | null {
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

function parkedOf(s: Maintenance): readonly OrderStory[] {
  return s.orders.filter((order) => order.state === 'parked');
}

// ---- devices ----

const STATE_TONE = {
  online: 'ok',
  busy: 'wait',
  'user-error': 'wait',
  offline: 'bad',
  'hardware-error': 'bad',
  'no-device': 'none',
} as const satisfies Record<DeviceView['state'], string>;

function Devices({ s }: { readonly s: Maintenance }): ReactElement {
  const { t, pick } = useWords();
  return (
    <ul className={css['devices']}>
      {s.devices.map((device) => (
        <li
          key={device.id}
          className={css['row']}
          data-device={device.id}
          data-state={device.state}
          data-test={device.test}
        >
          <i className={css[STATE_TONE[device.state]]} />
          <div className={css['rowText']}>
            <b>
              {pick(device.name)}
              <small>{t(`mnt.device.${device.state}`)}</small>
            </b>
            <span>
              {pick(device.detail)}
              {device.lastError === null ? '' : ` · ${device.lastError}`}
              {device.sinceMs === null || device.state === 'online'
                ? ''
                : ` · ${t('mnt.since', { time: formatStamp(device.sinceMs) })}`}
            </span>
            {device.test !== 'none' && (
              <span className={css[`test-${device.test}`]}>
                {t(`mnt.test.${device.test}`)}
                {device.testDetail === null ? '' : ` · ${pick(device.testDetail)}`}
              </span>
            )}
          </div>
          {device.state === 'no-device' ? (
            <span />
          ) : (
            <div className={css['dos']}>
              {device.id === 'reader' && (s.binCards ?? 0) > 0 && (
                <DoButton action="empty-bin">
                  {t('mnt.do.empty-bin', { n: String(s.binCards) })}
                </DoButton>
              )}
              <DoButton action="self-test" target={device.id} disabled={device.test === 'running'}>
                {t('mnt.do.self-test')}
              </DoButton>
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}

/** An action that needs no second thought. */
function DoButton({
  action,
  target,
  disabled = false,
  children,
}: {
  readonly action: MaintenanceAction;
  readonly target?: string;
  readonly disabled?: boolean;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <IntentButton
      className={css['do']}
      disabled={disabled}
      does={{ type: 'maintenance-do', value: action, ...(target === undefined ? {} : { target }) }}
    >
      {children}
    </IntentButton>
  );
}

// ---- orders ----

const LANDSCAPE = '(orientation: landscape)';

function useLandscape(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = matchMedia(LANDSCAPE);
      media.addEventListener('change', changed);
      return () => media.removeEventListener('change', changed);
    },
    () => matchMedia(LANDSCAPE).matches,
  );
}

/**
 * How many rows fit, by panel and text size. Nothing on a kiosk scrolls: what is more goes to the
 * next page.
 */
function usePageSize(kind: 'orders' | 'story', large: boolean): number {
  const landscape = useLandscape();
  const sizes = { orders: landscape ? [8, 6] : [8, 6], story: landscape ? [7, 5] : [10, 7] }[kind];
  return sizes[large ? 1 : 0] ?? 5;
}

/**
 * One page of a list; a page that is no longer there shows the last one. `fill: 'last'`: it is the
 * last page that is full, not the first.
 */
export function pageOf<T>(
  list: readonly T[],
  size: number,
  page: number,
  fill: 'first' | 'last' = 'first',
): { readonly items: readonly T[]; readonly page: number; readonly pages: number } {
  const pages = Math.max(1, Math.ceil(list.length / size));
  const at = Math.min(Math.max(0, page), pages - 1);
  const end = fill === 'first' ? at * size + size : list.length - (pages - 1 - at) * size;
  return { items: list.slice(Math.max(0, end - size), end), page: at, pages };
}

function Pager({
  page,
  pages,
  onPage,
}: {
  readonly page: number;
  readonly pages: number;
  readonly onPage: (page: number) => void;
}): ReactElement | null {
  const { t } = useWords();
  if (pages < 2) return null;
  return (
    <div className={css['pager']}>
      <button
        type="button"
        className={css['do']}
        data-local="page-back"
        disabled={page === 0}
        onClick={() => onPage(page - 1)}
      >
        {t('mnt.pageBack')}
      </button>
      <span>{t('mnt.page', { page: page + 1, pages })}</span>
      <button
        type="button"
        className={css['do']}
        data-local="page-on"
        disabled={page === pages - 1}
        onClick={() => onPage(page + 1)}
      >
        {t('mnt.pageOn')}
      </button>
    </div>
  );
}

/** The order's state in words; one that this view does not know is shown as it is. */
function stateWord(t: Translate, state: string): string {
  return state === 'settled' || (ORDER_STATES as readonly string[]).includes(state)
    ? t(`mnt.state.${state}` as MessageKey)
    : state;
}

function stateTone(state: string): 'ok' | 'wait' | 'bad' | 'none' {
  if (state === 'parked') return 'bad';
  if (state === 'delivered' || state === 'refunded' || state === 'settled') return 'ok';
  return state === 'closed' ? 'none' : 'wait';
}

function Orders({ s }: { readonly s: Maintenance }): ReactElement {
  const { t, pick } = useWords();
  const [wanted, setWanted] = useState(0);
  const size = usePageSize('orders', s.access.largeText);
  const { items, page, pages } = pageOf(s.orders, size, wanted);
  if (s.orders.length === 0)
    return (
      <div className={css['nothing']}>
        <Disc kind="ok" />
        <p>{t('mnt.noOrders')}</p>
      </div>
    );
  return (
    <>
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

function Story({
  order,
  large,
  message,
  onAsk,
}: {
  readonly order: OrderStory;
  readonly large: boolean;
  readonly message: Maintenance['message'];
  readonly onAsk: (action: Asked, target: string, about: string) => void;
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

// ---- sync ----

/** `5.2 GB`, `640 MB`. */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.floor(bytes / 1e6)} MB`;
}

/** `2026-11-22：收 150 笔 12345.00 元，退 2 笔 200.00 元，相符`. */
function reconciledText(
  last: Maintenance['sync']['reconciled'],
  t: ReturnType<typeof useWords>['t'],
): string {
  if (last === null) return t('mnt.reconciledNone');
  const verdict =
    last.persons > 0 ? t('mnt.reconciledPersons', { n: last.persons }) : t('mnt.reconciledAgree');
  return t('mnt.reconciledValue', {
    date: last.date,
    paid: last.payments,
    paidYuan: formatYuan(last.paidFen),
    back: last.refunds,
    backYuan: formatYuan(last.refundedFen),
    verdict,
  });
}

function Sync({
  s,
  onAsk,
}: {
  readonly s: Maintenance;
  readonly onAsk: (action: Asked, target: null, about: string) => void;
}): ReactElement {
  const { t } = useWords();
  const { sync } = s;
  const none = t('mnt.none');
  const facts: Fact[] = [
    {
      label: t('mnt.central'),
      value: t(
        sync.centralUp === null
          ? 'mnt.central.unknown'
          : sync.centralUp
            ? 'mnt.central.up'
            : 'mnt.central.away',
      ),
    },
    {
      label: t('mnt.unsent'),
      value: t('mnt.unsentValue', { events: sync.unsentEvents, yuan: formatYuan(sync.unsentFen) }),
    },
    {
      label: t('mnt.oldest'),
      value: sync.oldestUnsentMs === null ? none : formatStamp(sync.oldestUnsentMs),
    },
    {
      label: t('mnt.skew'),
      value:
        sync.clockSkewMs === null
          ? t('mnt.central.unknown')
          : `${sync.clockSkewMs >= 0 ? '+' : '−'}${(Math.abs(sync.clockSkewMs) / 1000).toFixed(1)} s`,
    },
    { label: t('mnt.head'), value: `${sync.epoch} / ${sync.headSeq}` },
    { label: t('mnt.hash'), value: sync.headHash.slice(0, 12) },
    { label: t('mnt.free'), value: formatBytes(sync.freeBytes) },
    {
      label: t('mnt.backup'),
      value: sync.backupAtMs === null ? t('mnt.backupNone') : formatStamp(sync.backupAtMs),
    },
    { label: t('mnt.reconciled'), value: reconciledText(sync.reconciled, t) },
  ];
  const { verify, damage } = sync;
  return (
    <div className={`${css['sync']} ${damage === null ? '' : css['damaged']}`}>
      <div className={`${ui['panel']} ${css['syncFacts']}`}>
        <Facts facts={facts} />
      </div>
      {damage !== null && (
        <div className={`${ui['panel']} ${css['damage']}`}>
          <h2>
            {t(damage.aside === '' ? 'mnt.damage.forked' : 'mnt.damage.title', {
              time: formatStamp(damage.atMs),
            })}
          </h2>
          <p>{damage.why}</p>
          {damage.aside !== '' && <p>{t('mnt.damage.aside', { aside: damage.aside })}</p>}
          {damage.aside !== '' && (
            <p>
              {damage.lostAfterSeq === null
                ? t('mnt.damage.whole', { seq: damage.restoredSeq })
                : t('mnt.damage.lost', { seq: damage.restoredSeq, lost: damage.lostAfterSeq })}
            </p>
          )}
          <p>
            {damage.aside !== '' && (
              <b>{t(damage.accepted ? 'mnt.damage.accepted' : 'mnt.damage.notAccepted')}</b>
            )}{' '}
            <b>{t(damage.epochGranted ? 'mnt.damage.granted' : 'mnt.damage.notGranted')}</b>
          </p>
          {!damage.accepted && (
            <LocalButton
              name="accept-damage"
              onPress={() =>
                onAsk(
                  'accept-damage',
                  null,
                  t('mnt.damage.title', { time: formatStamp(damage.atMs) }),
                )
              }
            >
              {t('mnt.do.accept-damage')}
            </LocalButton>
          )}
        </div>
      )}
      <div className={`${ui['panel']} ${css['verify']}`} data-verify={verify.state}>
        <p className={css[`verify-${verify.state}`]} role="status">
          {t(`mnt.verify.${verify.state}`, {
            time: verify.atMs === null ? '' : formatStamp(verify.atMs),
          })}
        </p>
        {verify.problems.slice(0, 3).map((problem) => (
          <p key={problem} className={css['problem']}>
            {problem}
          </p>
        ))}
        <div className={css['syncActions']}>
          <DoButton action="verify-journal" disabled={verify.state === 'running'}>
            {t('mnt.do.verify-journal')}
          </DoButton>
          <DoButton action="upload-now">{t('mnt.do.upload-now')}</DoButton>
        </div>
      </div>
    </div>
  );
}

// ---- asking once more ----

/**
 * What is about to be done, why, and (for money settled by hand) under which receipt. Only the last
 * key does it.
 */
function Ask({
  asking,
  onEnd,
}: {
  readonly asking: Asking;
  readonly onEnd: () => void;
}): ReactElement {
  const { t } = useWords();
  const [reason, setReason] = useState<(typeof REASONS)[number] | null>(null);
  const [reference, setReference] = useState('');
  const { action, target } = asking;
  const refers = needsReference(action);
  const ready = reason !== null && (!refers || reference.length >= REFERENCE_MIN);
  const confirm = (): void => {
    if (reason === null || !ready) return;
    act({
      type: 'maintenance-do',
      value: action,
      why: t(`mnt.why.${action}.${reason}`),
      ...(target === null ? {} : { target }),
      ...(refers ? { reference } : {}),
    });
    onEnd();
  };
  return (
    <div className={css['ask']}>
      <div className={css['askWords']}>
        <h2>{t(`mnt.do.${action}`)}</h2>
        {asking.about !== '' && <p className={css['about']}>{asking.about}</p>}
        <p className={ui['lead']}>{t(`mnt.ask.${action}`)}</p>
        <p className={ui['note']}>{t('mnt.ask.why')}</p>
        <div className={css['reasons']} role="radiogroup">
          {REASONS.map((n) => (
            <button
              key={n}
              type="button"
              role="radio"
              aria-checked={reason === n}
              className={`${css['reason']} ${reason === n ? css['reasonOn'] : ''}`}
              data-local={`why-${n}`}
              onClick={() => setReason(n)}
            >
              {t(`mnt.why.${action}.${n}`)}
            </button>
          ))}
        </div>
      </div>
      {refers && (
        <div className={`${ui['panel']} ${screens['keypad']} ${css['refPad']}`}>
          <p className={ui['note']}>{t('mnt.ask.reference')}</p>
          <output className={css['reference']} data-typed={reference}>
            {reference === '' ? '—' : grouped(reference)}
          </output>
          <Pad
            onKey={(key) => setReference((now) => typeDigit(now, key, REFERENCE_MAX))}
            ok={{ intent: 'maintenance-do', value: action, enabled: ready, press: confirm }}
          />
        </div>
      )}
      <div className={css['bottom']}>
        <LocalButton ghost name="ask-cancel" onPress={onEnd}>
          {t('mnt.ask.cancel')}
        </LocalButton>
        {!refers && (
          <button
            type="button"
            className={ui['btn']}
            data-intent="maintenance-do"
            data-value={action}
            disabled={!ready}
            onClick={confirm}
          >
            {t('mnt.ask.confirm')}
          </button>
        )}
      </div>
    </div>
  );
}
