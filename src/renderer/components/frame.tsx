import type { ReactElement, ReactNode } from 'react';
import { ACCESS_MODES } from '../../shared/contract/access.ts';
import type {
  Access,
  AccessMode,
  Screen,
  Snapshot,
  VoiceView,
} from '../../shared/contract/index.ts';
import { useWords } from '../i18n/index.ts';
import type { MessageKey, Translate } from '../i18n/index.ts';
import { formatYuan } from '../../shared/money.ts';
import { isPaidWait, offeredAtEnd } from '../state/leaving.ts';
import { minutesLeft, useClock, useRemaining, WARN_MS } from '../state/time.ts';
import { reachOf } from '../theme/access.ts';
import { Mark } from './art.tsx';
import { Corner } from './corner.tsx';
import { SpokenBanner } from './spoken-banner.tsx';
import { IntentButton, referenceOf } from './ui.tsx';
import css from './ui.module.css';

/** Screens on which nothing may be touched: the core would not listen. */
function isQuiet(snapshot: Snapshot): boolean {
  return (
    snapshot.screen === 'writing' ||
    snapshot.screen === 'out-of-service' ||
    snapshot.screen === 'reading'
  );
}

/**
 * What the seconds in the header are for: to pay, to bring the card back, or the screen's own end.
 * Null: while money is on its way they say nothing to a customer.
 */
function timedBy(snapshot: Snapshot): 'pay' | 'card' | 'ends' | null {
  if (snapshot.screen === 'take-card' || (snapshot.screen === 'done' && !snapshot.cardOut))
    return null;
  if (isPaidWait(snapshot)) return 'card';
  if (snapshot.screen !== 'pay') return 'ends';
  return snapshot.state === 'waiting' || snapshot.state === 'paying' ? 'pay' : null;
}

/** Where no visit goes on: the technicians' corner listens. */
const CORNERED: ReadonlySet<Screen> = new Set<Screen>(['start', 'out-of-service', 'cannot-sell']);

function headings(snapshot: Snapshot, t: Translate): { title: MessageKey; sub?: string } | null {
  switch (snapshot.screen) {
    case 'start':
    case 'out-of-service':
      return null;
    case 'insert-card':
      return { title: 'insert.header' };
    case 'info':
      return { title: 'hall.menu.title' };
    case 'request':
      return { title: 'req.header' };
    case 'my-account-no':
      return { title: 'my.header' };
    case 'my-account':
      return {
        title: 'my.header',
        sub: [snapshot.holderMasked, snapshot.numberMasked].filter((x) => x !== '').join(' · '),
      };
    case 'reading':
      return { title: 'reading.header', sub: t('doNotRemove') };
    case 'cannot-sell':
      return { title: 'cannot.header' };
    case 'card-info':
      return { title: 'info.header' };
    case 'amount':
      return { title: 'amount.header', sub: t('doNotRemove') };
    case 'user-no':
    case 'is-it-you':
      return { title: `userNo.header.${snapshot.service}` };
    case 'top-up':
      return { title: snapshot.prepay === true ? 'kind.prepay' : 'userNo.header.top-up' };
    case 'bills':
      return { title: 'userNo.header.bills', sub: snapshot.holderMasked };
    case 'contract':
      return { title: 'contract.header', sub: snapshot.holderMasked };
    case 'confirm-sum':
      return {
        title: 'confirm.header',
        ...(snapshot.credit === undefined ? { sub: t('doNotRemove') } : {}),
      };
    case 'no-slip':
      return {
        title: 'noSlip.header',
        ...(snapshot.card ? { sub: t('doNotRemove') } : {}),
      };
    case 'pay':
      return {
        title: 'pay.header',
        sub: t(
          snapshot.state === 'card-out' || snapshot.credit !== undefined
            ? 'doubt.safe'
            : 'doNotRemove',
        ),
      };
    case 'writing':
      return {
        title: snapshot.credit === undefined ? 'writing.header' : 'credit.writing.header',
        sub: t('writing.got', { yuan: formatYuan(snapshot.amountFen) }),
      };
    case 'done':
      return { title: snapshot.credit === undefined ? 'done.header' : 'credit.done.header' };
    case 'in-doubt':
      return {
        title: snapshot.reason === 'paid' ? 'doubt.paid.header' : 'doubt.header',
        sub: t('doubt.safe'),
      };
    case 'unfinished':
      return { title: 'unfinished.header', sub: t('doubt.safe') };
    case 'refunding':
      return { title: 'refund.header', sub: t('doubt.safe') };
    case 'order-status':
      return { title: 'status.header', sub: t('doubt.safe') };
    case 'maintenance-pin':
      return { title: 'mnt.header' };
    case 'maintenance':
      return { title: 'mnt.header' };
    case 'take-card':
      return { title: 'take.header' };
    case 'cancelled':
      return { title: 'cancelled.header' };
    default:
      return snapshot satisfies never;
  }
}

function Header({ snapshot }: { readonly snapshot: Snapshot }): ReactElement {
  const { t, pick, locale } = useWords();
  const clock = useClock(locale);
  const left = useRemaining();
  const heading = headings(snapshot, t);
  const timed = timedBy(snapshot);
  const { header } = snapshot;
  const place = [pick(header.site), pick(header.terminalName)]
    .filter((part) => part !== '')
    .join(' · ');
  if (snapshot.screen === 'maintenance') return <MaintenanceHeader s={snapshot} left={left} />;
  return (
    <header className={css['header']}>
      {CORNERED.has(snapshot.screen) && <Corner />}
      <Mark />
      <div className={css['brand']}>
        <b>{heading === null ? pick(header.brand) : t(heading.title)}</b>
        {(heading?.sub ?? place) !== '' && (
          <span className={heading?.sub === undefined ? css['place'] : undefined}>
            {heading?.sub ?? place}
          </span>
        )}
      </div>
      <div className={css['right']}>
        {heading === null && (
          <span className={css['clock']}>
            <span>{clock[0]}</span> <span>{clock[1]}</span>
          </span>
        )}
        {snapshot.screen === 'done' && !snapshot.cardOut && (
          <span className={`${css['pill']} ${css['status']}`}>{t('done.takeFirst')}</span>
        )}
        {left !== null && timed !== null && (left > WARN_MS || (timed !== 'ends' && left > 0)) && (
          <span className={`${css['pill']} ${css['status']}`} role="timer">
            {t(`clock.${timed}`, { seconds: Math.ceil(left / 1000) })}
          </span>
        )}
        {!isQuiet(snapshot) && (
          <IntentButton
            className={css['pill']}
            does={{ type: 'set-locale', value: locale === 'en' ? 'zh-CN' : 'en' }}
          >
            {t('lang.other')}
          </IntentButton>
        )}
      </div>
    </header>
  );
}

/** Who works here, how long until the screen closes by itself, and that nobody is served meanwhile. */
function MaintenanceHeader({
  s,
  left,
}: {
  readonly s: Extract<Snapshot, { screen: 'maintenance' }>;
  readonly left: number | null;
}): ReactElement {
  const { t } = useWords();
  return (
    <header className={css['header']}>
      <Mark />
      <div className={css['brand']}>
        <b>{t('mnt.header')}</b>
        <span>
          {s.who}
          {left === null ? '' : ` · ${t('mnt.idle', { time: minutesLeft(left) })}`}
        </span>
      </div>
      <div className={css['right']}>
        <span className={`${css['pill']} ${css['status']} ${css['warned']}`}>
          {t(s.outOfService ? 'mnt.chip.out' : 'mnt.chip.paused')}
        </span>
        <IntentButton className={css['pill']} does={{ type: 'exit' }}>
          {t('mnt.exit')}
        </IntentButton>
      </div>
    </header>
  );
}

const RING = 2 * Math.PI * 36;

/** The last seconds: a ring that empties, and the one tap that stops it. */
function Leaving({
  left,
  says,
}: {
  readonly left: number;
  readonly says: 'more' | 'code';
}): ReactElement {
  const { t } = useWords();
  const seconds = Math.ceil(left / 1000);
  return (
    <footer className={`${css['footer']} ${css['leaving']}`}>
      <div className={css['ringed']}>
        <svg className={css['ring']} viewBox="0 0 88 88" aria-hidden="true">
          <circle cx="44" cy="44" r="36" fill="none" stroke="#f3dcb8" strokeWidth="10" />
          <circle
            cx="44"
            cy="44"
            r="36"
            fill="none"
            stroke="var(--ember-mark)"
            strokeWidth="10"
            strokeDasharray={RING}
            strokeDashoffset={RING * (1 - left / WARN_MS)}
            transform="rotate(-90 44 44)"
          />
        </svg>
        <b role="timer">{t(`${says}.leaving`, { seconds })}</b>
      </div>
      <IntentButton className={css['more']} does={{ type: 'more-time' }}>
        {t(`${says}.button`)}
      </IntentButton>
    </footer>
  );
}

/** What ends soon, and can be had longer: the screen, or the code on it. */
function endingSoon(snapshot: Snapshot, left: number | null): 'more' | 'code' | null {
  return left === null || left > WARN_MS || left <= 0 ? null : offeredAtEnd(snapshot);
}

/** Says to those who listen that the time is nearly over: once, not each second. */
export function EndsSoon({ snapshot }: { readonly snapshot: Snapshot }): ReactElement {
  const { t } = useWords();
  const says = endingSoon(snapshot, useRemaining());
  return (
    <div className={css['live']} role="alert" data-spoken>
      {says !== null && t(`${says}.soon`)}
    </div>
  );
}

function Footer({ snapshot }: { readonly snapshot: Snapshot }): ReactElement {
  const { t } = useWords();
  const left = useRemaining();
  const soon = endingSoon(snapshot, left);
  if (left !== null && soon !== null) return <Leaving left={left} says={soon} />;
  if (snapshot.screen === 'out-of-service') {
    return (
      <footer className={css['footer']}>
        <span>
          {t('reference')} {referenceOf(snapshot)}
        </span>
      </footer>
    );
  }
  if (snapshot.screen === 'maintenance') return <MaintenanceFooter s={snapshot} />;
  return (
    <footer className={css['footer']}>
      <div className={css['hot']}>
        {snapshot.header.hotline !== '' && (
          <>
            {t('hotline.label')}
            <b>{snapshot.header.hotline}</b>
          </>
        )}
      </div>
      {!isQuiet(snapshot) && <AccessBar access={snapshot.access} voice={snapshot.voice} />}
    </footer>
  );
}

/** One of the access bar's modes: on or off by one touch. */
function AccessSwitch({
  access,
  mode,
}: {
  readonly access: Access;
  readonly mode: AccessMode;
}): ReactElement {
  const { t } = useWords();
  return (
    <IntentButton
      className={css['pill']}
      pressed={access[mode]}
      does={{ type: 'set-access', value: mode, on: !access[mode] }}
    >
      {t(`access.${mode}`)}
    </IntentButton>
  );
}

/** What makes the screen fit the customer; in the same place on every screen. */
function AccessBar({
  access,
  voice,
}: {
  readonly access: Access;
  readonly voice: VoiceView | undefined;
}): ReactElement {
  return (
    <div className={css['access']}>
      {ACCESS_MODES.map((mode) => (
        <AccessSwitch key={mode} access={access} mode={mode} />
      ))}
      {voice?.policy?.on !== false && <MuteSwitch muted={voice?.muted === true} />}
    </div>
  );
}

/** The voice off or on: a loudspeaker, struck out while nothing is said. */
function MuteSwitch({ muted }: { readonly muted: boolean }): ReactElement {
  const { t } = useWords();
  return (
    <IntentButton
      className={`${css['pill']} ${css['mute']}`}
      label={t('voice.mute')}
      pressed={muted}
      does={{ type: 'set-mute', value: !muted }}
    >
      <svg className={css['loudspeaker']} viewBox="0 0 48 48" aria-hidden="true">
        <path d="M6 18h8l12-10v32L14 30H6z" fill="currentColor" />
        <path
          d={muted ? 'M33 18l12 12m0-12l-12 12' : 'M32 17q5 7 0 14m6-20q10 13 0 26'}
          fill="none"
          stroke="currentColor"
          strokeWidth="4"
          strokeLinecap="round"
        />
      </svg>
    </IntentButton>
  );
}

function MaintenanceFooter({
  s,
}: {
  readonly s: Extract<Snapshot, { screen: 'maintenance' }>;
}): ReactElement {
  const { t, pick, locale } = useWords();
  return (
    <footer className={css['footer']}>
      <span className={css['versions']}>
        {t(`mnt.role.${s.role}`)} · v{s.version} · {pick(s.header.terminalName)} ·{' '}
        {s.header.terminalId}
      </span>
      <div className={css['right']}>
        <AccessSwitch access={s.access} mode="largeText" />
        <IntentButton
          className={css['pill']}
          does={{ type: 'set-locale', value: locale === 'en' ? 'zh-CN' : 'en' }}
        >
          {t('lang.other')}
        </IntentButton>
      </div>
    </footer>
  );
}

/** The technicians' screens need the whole panel, and say nothing to customers. */
const isLowered = ({ access, screen, header }: Snapshot): boolean =>
  access.lowReach &&
  screen !== 'maintenance' &&
  screen !== 'maintenance-pin' &&
  reachOf(header.panel).to < 1;

/** Header, footer and the place between them; the same on every screen. */
export function Frame({
  snapshot,
  children,
}: {
  readonly snapshot: Snapshot;
  readonly children: ReactNode;
}): ReactElement {
  const { t, pick } = useWords();
  return (
    <div className={css['whole']}>
      {isLowered(snapshot) && (
        <div className={css['lid']} data-unread>
          <Mark />
          <b>{pick(snapshot.header.brand)}</b>
          <span>{t('access.below')}</span>
        </div>
      )}
      {snapshot.voice?.spoken === true && <SpokenBanner />}
      <div
        className={`${css['app']} ${snapshot.screen === 'out-of-service' ? css['dark'] : ''}`}
        data-screen={snapshot.screen}
        data-revision={snapshot.revision}
      >
        <Header snapshot={snapshot} />
        {snapshot.demo && (
          <div className={css['demo']} data-demo="" data-unread>
            {t('demo.badge')}
          </div>
        )}
        <main className={css['main']}>{children}</main>
        <Footer snapshot={snapshot} />
      </div>
    </div>
  );
}
