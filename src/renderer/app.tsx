import { useEffect, useLayoutEffect, useMemo, useRef } from 'react';
import type { ReactElement } from 'react';
import type { Snapshot } from '../shared/contract/index.ts';
import { drawAccess } from './theme/access.ts';
import { Boundary, Veil } from './components/boundary.tsx';
import { fit, keepFitting } from './components/fit.ts';
import { EndsSoon, Frame } from './components/frame.tsx';
import { Scroll } from './components/scroll.tsx';
import ui from './components/ui.module.css';
import { Bills, Contract, IsItYou, TopUp, UserNo } from './screens/account.tsx';
import { Amount } from './screens/amount.tsx';
import { Info } from './screens/info.tsx';
import { Maintenance } from './screens/maintenance/index.tsx';
import { MaintenancePin } from './screens/maintenance/pin.tsx';
import { MyAccount, MyAccountNo } from './screens/my-account.tsx';
import { Pay } from './screens/pay.tsx';
import {
  Cancelled,
  CannotSell,
  CardInfo,
  Done,
  InDoubt,
  InsertCard,
  OrderStatus,
  Reading,
  Refunding,
  TakeCard,
  Unfinished,
  Writing,
} from './screens/simple.tsx';
import { ConfirmSum } from './screens/confirm-sum.tsx';
import { NoSlip } from './screens/no-slip.tsx';
import { OutOfService } from './screens/out.tsx';
import { Requests } from './screens/requests.tsx';
import { Attract } from './screens/attract.tsx';
import { Start } from './screens/start.tsx';
import { useIdle } from './state/idle.ts';
import { useView } from './state/store.ts';
import { useDeaf, useNewView, usePainted } from './state/taps.ts';

function screenOf(s: Snapshot): ReactElement {
  switch (s.screen) {
    case 'start':
      return <Start s={s} />;
    case 'insert-card':
      return <InsertCard s={s} />;
    case 'info':
      return <Info s={s} />;
    case 'request':
      return <Requests s={s} />;
    case 'my-account-no':
      return <MyAccountNo s={s} />;
    case 'my-account':
      return <MyAccount s={s} />;
    case 'reading':
      return <Reading s={s} />;
    case 'cannot-sell':
      return <CannotSell s={s} />;
    case 'card-info':
      return <CardInfo s={s} />;
    case 'amount':
      return <Amount s={s} />;
    case 'user-no':
      return <UserNo s={s} />;
    case 'is-it-you':
      return <IsItYou s={s} />;
    case 'top-up':
      return <TopUp s={s} />;
    case 'bills':
      return <Bills s={s} />;
    case 'contract':
      return <Contract s={s} />;
    case 'confirm-sum':
      return <ConfirmSum s={s} />;
    case 'no-slip':
      return <NoSlip s={s} />;
    case 'pay':
      return <Pay s={s} />;
    case 'writing':
      return <Writing s={s} />;
    case 'done':
      return <Done s={s} />;
    case 'in-doubt':
      return <InDoubt s={s} />;
    case 'unfinished':
      return <Unfinished s={s} />;
    case 'refunding':
      return <Refunding s={s} />;
    case 'order-status':
      return <OrderStatus s={s} />;
    case 'maintenance-pin':
      return <MaintenancePin s={s} />;
    case 'maintenance':
      return <Maintenance s={s} />;
    case 'take-card':
      return <TakeCard s={s} />;
    case 'cancelled':
      return <Cancelled s={s} />;
    case 'out-of-service':
      return <OutOfService s={s} />;
    default:
      return s satisfies never;
  }
}

/** To the screen's heading, unless something on the screen has the focus already. */
function focusHeading(scope: HTMLElement): void {
  const { activeElement } = document;
  if (activeElement !== null && scope.contains(activeElement)) return;
  const heading = scope.querySelector<HTMLElement>('main h1, main h2');
  if (heading === null) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/**
 * The whole view: the last snapshot's screen, and the veil while the line to the core is not to be
 * trusted.
 */
export function App(): ReactElement {
  return (
    <Boundary>
      <View />
    </Boundary>
  );
}

function View(): ReactElement {
  const snapshot = useView((s) => s.snapshot);
  const link = useView((s) => s.link);
  const body = useRef<HTMLDivElement>(null);
  const said = useRef<HTMLDivElement>(null);
  usePainted(snapshot);
  const nobody = useIdle();
  useNewView(nobody ? 'attract' : (snapshot?.screen ?? ''));
  const deaf = useDeaf();

  useLayoutEffect(() => {
    const lang = snapshot?.locale ?? 'zh-CN';
    // Set anew, even to what it was, it costs a new style of everything.
    if (document.documentElement.lang !== lang) document.documentElement.lang = lang;
    drawAccess(document.documentElement, snapshot);
    if (body.current === null || said.current === null) return;
    fit(body.current);
    // The heading is read out to those who can't see it, on every new screen and every new
    // sentence.
    const heading = body.current.querySelector('h1, h2')?.textContent ?? '';
    if (said.current.textContent !== heading) said.current.textContent = heading;
  }, [snapshot]);

  useLayoutEffect(() => (body.current === null ? undefined : keepFitting(body.current)), []);

  const screen = snapshot?.screen;
  // Who goes by keys or listens begins each screen at its heading. What is deaf takes no focus.
  useEffect(() => {
    if (screen !== undefined && !deaf && body.current !== null) focusHeading(body.current);
  }, [screen, deaf]);

  const veiled = link !== 'up' || snapshot === null;
  // The screen is drawn once for each snapshot, and not again when its controls begin to listen.
  const drawn = useMemo(() => {
    if (snapshot === null) return null;
    if (nobody && snapshot.screen === 'start') return <Attract s={snapshot} />;
    return (
      <Frame snapshot={snapshot}>
        <Scroll key={snapshot.screen}>{screenOf(snapshot)}</Scroll>
      </Frame>
    );
  }, [snapshot, nobody]);
  return (
    <>
      <div ref={body} inert={veiled} data-deaf={deaf ? '' : undefined} style={{ height: '100%' }}>
        {drawn}
      </div>
      <div ref={said} className={ui['live']} role="status" aria-live="polite" data-spoken />
      {snapshot !== null && <EndsSoon snapshot={snapshot} />}
      {/* Deaf is a sheet before the controls: `inert` costs a new style of each of them, twice. */}
      {deaf && <div className={ui['deaf']} />}
      {veiled && <Veil starting={link === 'starting'} />}
    </>
  );
}
