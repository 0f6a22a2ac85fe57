import type { ReactElement } from 'react';
import { useState } from 'react';
import type { ClosedShiftView, DaybookView } from '../../../shared/contract/index.ts';
import { formatYuan } from '../../../shared/money.ts';
import { SETTLED_HOW, SHIFT_SERVICES } from '../../../shared/shift.ts';
import type { Shift, ShiftLine, ShiftService, ShiftSum } from '../../../shared/shift.ts';
import { Disc } from '../../components/art.tsx';
import { IntentButton, Notice } from '../../components/ui.tsx';
import { useWords } from '../../i18n/index.ts';
import type { Translate } from '../../i18n/index.ts';
import { formatStamp } from '../../state/time.ts';
import { DoButton, Pager, pageOf, usePageSize } from './parts.tsx';
import type { MaintenanceSnapshot, TabProps } from './parts.tsx';
import ui from '../../components/ui.module.css';
import css from './maintenance.module.css';

const VIEWS = ['sums', 'services', 'payments', 'shifts'] as const;
type View = (typeof VIEWS)[number];

/** The settlement of the open shift, or of a closed one, and the last ones. */
export function Daybook({ s, onAsk }: TabProps): ReactElement {
  const { t } = useWords();
  const [view, setView] = useState<View>('sums');
  const { daybook } = s;
  const ref = daybook?.closed?.ref ?? '';
  const [chosen, setChosen] = useState(ref);
  // Another shift was chosen: its sums first.
  if (chosen !== ref) {
    setChosen(ref);
    setView('sums');
  }
  if (daybook === null)
    return (
      <div className={css['nothing']}>
        <p>{t('mnt.day.counting')}</p>
      </div>
    );
  const { shift } = daybook;
  return (
    <div className={css['daybook']}>
      <Head daybook={daybook} />
      <div className={css['segments']} role="radiogroup">
        {VIEWS.map((one) => (
          <button
            key={one}
            type="button"
            role="radio"
            aria-checked={view === one}
            className={`${css['segment']} ${view === one ? css['segmentOn'] : ''}`}
            data-local={`day-${one}`}
            onClick={() => setView(one)}
          >
            {t(`mnt.day.view.${one}`)}
          </button>
        ))}
      </div>
      {view === 'shifts' ? (
        <Shifts s={s} last={daybook.last} />
      ) : shift === null ? (
        <div className={css['nothing']}>
          <p>{t('mnt.day.counting')}</p>
        </div>
      ) : view === 'sums' ? (
        <Sums shift={shift} />
      ) : (
        <Lines key={view} s={s} lines={shift[view]} />
      )}
      <Doubts daybook={daybook} />
      <Dos s={s} daybook={daybook} onAsk={onAsk} />
    </div>
  );
}

function Head({ daybook }: { readonly daybook: DaybookView }): ReactElement {
  const { t } = useWords();
  const { shift, closed } = daybook;
  return (
    <div className={css['searchBar']} data-shift={closed?.ref ?? 'open'}>
      <span>
        <b>
          {closed === null
            ? t('mnt.day.open', { n: shift?.number ?? '' })
            : t('mnt.day.closed', { n: closed.number })}
        </b>{' '}
        {closed === null
          ? shift?.firstMs == null
            ? ''
            : t('mnt.since', { time: formatStamp(shift.firstMs) })
          : t('mnt.day.closedBy', { who: closed.who, time: formatStamp(closed.closedMs) })}
      </span>
      {closed !== null && (
        <IntentButton className={css['do']} does={{ type: 'maintenance-shift', value: '' }}>
          {t('mnt.day.back')}
        </IntentButton>
      )}
    </div>
  );
}

/** `1,234.50`, a loss with its minus. */
const money = (fen: number): string => (fen < 0 ? `−¥${formatYuan(-fen)}` : `¥${formatYuan(fen)}`);

interface Row {
  readonly label: string;
  readonly sum: ShiftSum;
  readonly kind?: 'sub' | 'total';
}
const isNothing = ({ count, fen }: ShiftSum): boolean => count === 0 && fen === 0;

/** The two sums of the identity, line by line. */
function rowsOf(s: Shift, t: Translate): { readonly money: Row[]; readonly parked: Row[] } {
  const some = (label: string, sum: ShiftSum): Row[] =>
    isNothing(sum) ? [] : [{ label, sum, kind: 'sub' }];
  const off = s.difference.transitFen + s.difference.parkedFen;
  return {
    money: [
      { label: t('mnt.day.opening'), sum: s.opening.transit },
      { label: t('mnt.day.captured'), sum: s.captured },
      ...some(t('mnt.day.extra'), s.extra),
      { label: t('mnt.day.delivered'), sum: s.delivered },
      ...some(t('mnt.day.older'), s.olderDelivered),
      { label: t('mnt.day.refunded'), sum: s.refunded },
      ...some(t('mnt.day.older'), s.olderRefunded),
      { label: t('mnt.day.toParked'), sum: s.parked },
      { label: t('mnt.day.closing'), sum: s.closing.transit, kind: 'total' },
    ],
    parked: [
      { label: t('mnt.day.parkedOpening'), sum: s.opening.parked },
      ...SETTLED_HOW.flatMap((how) => some(t(`mnt.day.settled.${how}`), s.settled[how])),
      { label: t('mnt.day.parkedClosing'), sum: s.closing.parked, kind: 'total' },
      ...some(t('mnt.day.reversed'), s.reversed),
      ...(off === 0
        ? []
        : [
            { label: t('mnt.day.difference'), sum: { count: 0, fen: off }, kind: 'total' as const },
          ]),
    ],
  };
}

function Sums({ shift }: { readonly shift: Shift }): ReactElement {
  const { t } = useWords();
  const rows = rowsOf(shift, t);
  const table = (name: 'money' | 'parked'): ReactElement => (
    <table className={css['sums']} data-sums={name}>
      <tbody>
        {rows[name].map(({ label, sum, kind }, at) => (
          <tr key={at} className={kind === undefined ? undefined : css[kind]}>
            <th scope="row">{label}</th>
            <td>{t('mnt.day.count', { n: sum.count })}</td>
            <td>{money(sum.fen)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
  return (
    <div className={`${ui['panel']} ${css['sumsPanel']}`}>
      {table('money')}
      {table('parked')}
    </div>
  );
}

const isService = (key: string): key is ShiftService =>
  (SHIFT_SERVICES as readonly string[]).includes(key);
const PROVIDERS = ['wechat', 'alipay', 'unionpay', 'gateway'] as const;

/** A service, or a way to pay; one of a newer program by its key. */
function lineName(key: string, t: Translate): string {
  if (isService(key)) return t(`mnt.day.service.${key}`);
  const [name = '', method] = key.split('/');
  const provider = PROVIDERS.find((one) => one === name);
  if (provider === undefined) return key;
  return `${t(`mnt.day.provider.${provider}`)} · ${t(method === 'code' ? 'mnt.day.byCode' : 'mnt.day.byQr')}`;
}

function Lines({
  s,
  lines,
}: {
  readonly s: MaintenanceSnapshot;
  readonly lines: readonly ShiftLine[];
}): ReactElement {
  const { t } = useWords();
  const [wanted, setWanted] = useState(0);
  const size = usePageSize('lines', s.access.largeText);
  const { items, page, pages } = pageOf(lines, size, wanted);
  if (lines.length === 0)
    return (
      <div className={css['nothing']}>
        <p>{t('mnt.day.nothing')}</p>
      </div>
    );
  return (
    <div className={`${ui['panel']} ${css['sumsPanel']}`}>
      <table className={`${css['sums']} ${css['lines']}`}>
        <thead>
          <tr>
            <th scope="col" aria-label={t('mnt.day.what')} />
            <th scope="col">{t('mnt.day.col.captured')}</th>
            <th scope="col">{t('mnt.day.col.delivered')}</th>
            <th scope="col">{t('mnt.day.col.refunded')}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((line) => (
            <tr key={line.key}>
              <th scope="row">
                {lineName(line.key, t)}
                <small>{t('mnt.day.count', { n: line.captured.count })}</small>
              </th>
              <td>{money(line.captured.fen)}</td>
              <td>{money(line.delivered.fen)}</td>
              <td>{money(line.refunded.fen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Pager page={page} pages={pages} onPage={setWanted} />
    </div>
  );
}

const TONE = { none: 'none', waits: 'wait', agrees: 'ok', differs: 'bad' } as const;

function Shifts({
  s,
  last,
}: {
  readonly s: MaintenanceSnapshot;
  readonly last: readonly ClosedShiftView[];
}): ReactElement {
  const { t } = useWords();
  const [wanted, setWanted] = useState(0);
  const size = usePageSize('shifts', s.access.largeText);
  const { items, page, pages } = pageOf(last, size, wanted);
  if (last.length === 0)
    return (
      <div className={css['nothing']}>
        <Disc kind="ok" />
        <p>{t('mnt.day.noShifts')}</p>
      </div>
    );
  return (
    <>
      <ul className={css['orders']}>
        {items.map((one) => (
          <li key={one.ref}>
            <IntentButton
              className={css['row']}
              does={{ type: 'maintenance-shift', value: one.ref }}
            >
              <i className={css[TONE[one.compared.state]]} />
              <span className={css['rowText']}>
                <b>
                  {t('mnt.day.shift', { ref: one.ref })}
                  <small>{one.who}</small>
                </b>
                <span>
                  {formatStamp(one.closedMs)} ·{' '}
                  {t(`mnt.day.compared.${one.compared.state}`, { n: one.compared.persons })}
                </span>
              </span>
              <span className={css['sum']}>{money(one.capturedFen)}</span>
            </IntentButton>
          </li>
        ))}
      </ul>
      <Pager page={page} pages={pages} onPage={setWanted} />
    </>
  );
}

/** What is not as it should be, and whether the wallets' bills were compared. */
function Doubts({ daybook }: { readonly daybook: DaybookView }): ReactElement {
  const { t } = useWords();
  const { doubts, compared, closed, shift } = daybook;
  const bills = t(`mnt.day.compared.${compared.state}`, { n: compared.persons });
  const why = closed === null || closed.why === '' ? '' : t('mnt.day.why', { why: closed.why });
  if (doubts.length === 0)
    return (
      <p className={css['dayNote']}>
        {t('mnt.day.balanced')} · {bills} {why}
      </p>
    );
  return (
    <Notice title={doubts.map((doubt) => t(`mnt.day.doubt.${doubt}`)).join(' · ')}>
      {t('mnt.day.parkedCount', { n: shift?.closing.parked.count ?? 0 })} · {bills} {why}
    </Notice>
  );
}

function Dos({
  s,
  daybook,
  onAsk,
}: TabProps & { readonly daybook: DaybookView }): ReactElement | null {
  const { t } = useWords();
  const { shift, closed, doubts, stick, exporting } = daybook;
  const about =
    shift === null
      ? ''
      : t('mnt.day.about', {
          n: shift.number,
          count: shift.captured.count,
          yuan: formatYuan(shift.captured.fen),
        });
  const exports = s.may.includes('export') && stick !== null;
  return (
    <div className={css['dayDos']}>
      {closed !== null && s.may.includes('print-shift') && (
        <DoButton action="print-shift" target={closed.ref}>
          {t('mnt.do.print-shift')}
        </DoButton>
      )}
      {closed === null && s.may.includes('close-shift') && (
        <button
          type="button"
          className={`${css['do']} ${css['doMain']}`}
          data-local="close-shift"
          disabled={shift === null}
          onClick={() =>
            onAsk('close-shift', String(shift?.number ?? ''), about, { why: doubts.length > 0 })
          }
        >
          {t('mnt.do.close-shift')}
        </button>
      )}
      {exports && (
        <DoButton action="export" disabled={exporting || stick.state !== 'ready'}>
          {t(exporting ? 'mnt.day.exporting' : 'mnt.do.export')}
        </DoButton>
      )}
      {exports && (
        <span className={css['dayStick']} data-stick={stick.state}>
          {t(`mnt.day.stick.${stick.state}`, { name: stick.name })}
          {stick.state === 'ready' && !daybook.sealed ? ` · ${t('mnt.day.unsealed')}` : ''}
        </span>
      )}
    </div>
  );
}
