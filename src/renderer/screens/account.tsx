import { useState } from 'react';
import type { ReactElement } from 'react';
import type { BillView, Corrected, SnapshotOf } from '../../shared/contract/index.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { formatYuan } from '../../shared/money.ts';
import { chinaDate } from '../../shared/time.ts';
import { Disc } from '../components/art.tsx';
import { grouped, Pad, typeDigit } from '../components/pad.tsx';
import { Presets } from '../components/presets.tsx';
import {
  ActionButton,
  Facts,
  IntentButton,
  Message,
  Notice,
  Phrases,
  Words,
  Steps,
} from '../components/ui.tsx';
import { useWords } from '../i18n/index.ts';
import { act } from '../state/store.ts';
import { useNewView } from '../state/taps.ts';
import ui from '../components/ui.module.css';
import css from './account.module.css';
import { Keypad } from './keypad.tsx';
import { Typed } from './typed.tsx';
import screens from './screens.module.css';

/** A sale without a card: the number, whose it is, what is paid, and a contract where there is one. */

/** Why it does not go on, in words; null: nothing stands against it. */
function Problem({ code }: { readonly code: ErrorCode | null }): ReactElement | null {
  const { tell } = useWords();
  if (code === null) return null;
  return <Notice title={tell(code).title}>{tell(code).body}</Notice>;
}

/** What the company corrected at the account lately, in one line; nothing: null. */
function useCorrected(corrected: Corrected | undefined): string | null {
  const { t } = useWords();
  if (corrected === undefined) return null;
  const { what, amountFen, atMs } = corrected;
  return t(`corrected.${what}`, { date: chinaDate(atMs), yuan: formatYuan(amountFen) });
}

/** The user number is typed, or its barcode held before the scanner. */
export function UserNo({ s }: { readonly s: SnapshotOf<'user-no'> }): ReactElement {
  const { t, pick } = useWords();
  const [digits, setDigits] = useState('');
  return (
    <div className={screens['amount']}>
      <Steps at={1} kind="account" />
      <div className={`${ui['panel']} ${screens['keypad']} ${screens['refKeypad']}`}>
        <h1 className={screens['keypadTitle']}>
          <Phrases text={t('userNo.title')} />
        </h1>
        <Typed text={grouped(digits, s.digits)} digits={digits} />
        <p className={screens['keypadHint']} role="status">
          <Words
            text={s.reading ? t('req.user.reading') : s.busy ? t('userNo.asking') : pick(s.hint)}
          />
          {!s.busy && (
            <>
              <br />
              <Words text={t(s.scanner ? 'userNo.scanOrCard' : 'userNo.card')} />
            </>
          )}
        </p>
        <Problem code={s.problem} />
        <Pad
          disabled={s.busy}
          onKey={(key) => setDigits((now) => typeDigit(now, key, s.digits))}
          ok={{
            intent: 'enter-user-no',
            value: digits,
            enabled: digits.length >= 4,
            press: () => act({ type: 'enter-user-no', value: digits }),
          }}
        />
        <ActionButton ghost does={{ type: 'exit' }}>
          {t('back')}
        </ActionButton>
      </div>
    </div>
  );
}

/** Whose account it is, before a sum is named: a payment to a wrong one is hard to get back. */
export function IsItYou({ s }: { readonly s: SnapshotOf<'is-it-you'> }): ReactElement {
  const { t } = useWords();
  return (
    <Message
      disc="person"
      title={t('isItYou.title')}
      lead={t('isItYou.lead')}
      actions={
        <>
          <ActionButton ghost does={{ type: 'not-me' }}>
            {t('isItYou.no')}
          </ActionButton>
          <ActionButton does={{ type: 'its-me' }}>{t('isItYou.yes')}</ActionButton>
        </>
      }
    >
      <div className={ui['panel']}>
        <Facts
          facts={[
            { label: t('account.holder'), value: s.holderMasked },
            { label: t('account.number'), value: grouped(s.userNo) },
            { label: t('account.address'), value: s.address, full: true },
          ]}
        />
      </div>
    </Message>
  );
}

/** An IoT meter's balance, and how much more. */
export function TopUp({ s }: { readonly s: SnapshotOf<'top-up'> }): ReactElement {
  const { t, pick } = useWords();
  const [typing, setTyping] = useState(false);
  useNewView(typing ? 'pad' : 'presets');
  const owed = s.balanceFen < 0 ? -s.balanceFen : 0;
  const corrected = useCorrected(s.corrected);
  return (
    <div className={screens['amount']}>
      <Steps at={2} kind="account" />
      <div className={screens['amountBody']}>
        <div className={screens['amountCard']}>
          <div className={ui['panel']}>
            <Facts
              facts={[
                { label: t('account.holder'), value: s.holderMasked },
                { label: t('account.number'), value: grouped(s.userNo) },
                {
                  label: t(owed > 0 ? 'topUp.owed' : 'topUp.balance'),
                  value: `¥${formatYuan(Math.abs(s.balanceFen))}`,
                },
                s.onTheWayFen > 0
                  ? { label: t('topUp.onTheWay'), value: `¥${formatYuan(s.onTheWayFen)}` }
                  : { label: t('account.company'), value: pick(s.company) },
              ]}
            />
          </div>
        </div>
        {typing ? (
          <div className={screens['amountPick']}>
            <Keypad minFen={s.minFen} maxFen={s.maxFen} onClose={() => setTyping(false)} />
          </div>
        ) : (
          <>
            <div className={screens['amountPick']}>
              <h1>{t(s.prepay === true ? 'prepay.title' : 'topUp.title')}</h1>
              <Presets
                presetsFen={s.presetsFen}
                chosenFen={s.chosenFen}
                about={null}
                onOther={() => setTyping(true)}
              />
            </div>
            <div className={screens['amountQuote']}>
              <Problem code={s.problem} />
              {s.problem === null && (
                <div className={`${ui['panel']} ${screens['quoteWords']}`} role="status">
                  {corrected !== null && <p>{corrected}</p>}
                  {owed > 0 && <p>{t('topUp.pays', { yuan: formatYuan(owed) })}</p>}
                  <p>
                    {s.busy
                      ? t('amount.busy')
                      : t(s.prepay === true ? 'prepay.note' : 'topUp.note')}
                  </p>
                </div>
              )}
            </div>
            <Actions
              fen={s.chosenFen ?? 0}
              busy={s.busy}
              none={t('amount.payNone')}
              back={s.prepay === true ? 'back' : 'exit'}
            />
          </>
        )}
      </div>
    </div>
  );
}

function Actions({
  fen,
  busy,
  none,
  back = 'exit',
  enabled = true,
}: {
  readonly fen: number;
  readonly busy: boolean;
  /** What the button says while there is nothing to pay. */
  readonly none: string;
  readonly back?: 'exit' | 'back';
  readonly enabled?: boolean;
}): ReactElement {
  const { t } = useWords();
  return (
    <div className={`${ui['actions']} ${ui['wide']} ${screens['amountActions']}`}>
      <ActionButton ghost does={{ type: back }} disabled={busy}>
        {t('back')}
      </ActionButton>
      <ActionButton does={{ type: 'pay', value: fen }} disabled={busy || fen === 0 || !enabled}>
        {fen === 0 || !enabled ? none : t('amount.pay', { yuan: formatYuan(fen) })}
      </ActionButton>
    </div>
  );
}

/** What is owed, by whose money it is; the oldest is paid first. */
export function Bills({ s }: { readonly s: SnapshotOf<'bills'> }): ReactElement {
  const { t, pick } = useWords();
  const [typing, setTyping] = useState(false);
  useNewView(typing ? 'pad' : 'bills');
  const shown = s.groups.flatMap((g) => g.bills).length;
  const { part } = s;
  const corrected = useCorrected(s.corrected);
  if (shown === 0)
    return (
      <Message
        disc="ok"
        title={t('bills.none')}
        lead={t('bills.none.lead')}
        actions={
          <>
            {s.prepay === true && (
              <ActionButton ghost does={{ type: 'prepay' }}>
                {t('bills.prepay')}
              </ActionButton>
            )}
            <ActionButton does={{ type: 'exit' }}>{t('finish')}</ActionButton>
          </>
        }
      >
        <div className={ui['panel']}>
          <Facts
            facts={[
              { label: t('account.holder'), value: s.holderMasked },
              { label: t('account.number'), value: grouped(s.userNo) },
            ]}
          />
          {s.underWay > 0 && (
            <p className={ui['note']}>{t('bills.underWay', { count: s.underWay })}</p>
          )}
          {corrected !== null && <p className={ui['note']}>{corrected}</p>}
        </div>
      </Message>
    );
  if (typing && part !== undefined)
    return (
      <div className={screens['amount']}>
        <Steps at={2} kind="account" />
        <Keypad minFen={part.minFen} maxFen={part.maxFen} onClose={() => setTyping(false)} />
      </div>
    );
  return (
    <div className={screens['amount']}>
      <Steps at={2} kind="account" />
      <div className={css['list']}>
        <h1>
          <Phrases text={t('bills.title', { count: s.totalCount, yuan: formatYuan(s.totalFen) })} />
        </h1>
        <div className={css['bills']}>
          {s.groups.flatMap(({ company, bills }) =>
            bills.map((bill) => (
              <Bill key={bill.item} bill={bill} company={pick(company)} busy={s.busy} />
            )),
          )}
        </div>
        <p className={ui['note']}>
          {part === undefined && t(s.groups.length > 1 ? 'bills.perPayee' : 'bills.order')}
          {s.totalCount > shown && ` ${t('bills.more', { shown })}`}
          {s.underWay > 0 && ` ${t('bills.underWay', { count: s.underWay })}`}
          {corrected !== null && ` ${corrected}`}
        </p>
        {part !== undefined && s.problem === null && (
          <Part part={part} fen={s.chosenFen} busy={s.busy} onOther={() => setTyping(true)} />
        )}
        <Problem code={s.problem} />
      </div>
      <Actions fen={s.chosenFen} busy={s.busy} none={t('bills.choose')} />
    </div>
  );
}

/** The oldest bill may be paid in part: a way to it, and what stays owed. */
function Part({
  part,
  fen,
  busy,
  onOther,
}: {
  readonly part: NonNullable<SnapshotOf<'bills'>['part']>;
  readonly fen: number;
  readonly busy: boolean;
  readonly onOther: () => void;
}): ReactElement {
  const { t } = useWords();
  return (
    <div className={css['part']}>
      {part.restFen !== null && (
        <b role="status">
          {t('bills.part.rest', { yuan: formatYuan(fen), rest: formatYuan(part.restFen) })}
        </b>
      )}
      <button
        type="button"
        className={`${ui['btn']} ${ui['ghost']}`}
        data-local="part"
        disabled={busy}
        onClick={onOther}
      >
        {t('bills.part')}
      </button>
    </div>
  );
}

function Bill({
  bill,
  company,
  busy,
}: {
  readonly bill: BillView;
  readonly company: string;
  readonly busy: boolean;
}): ReactElement {
  const { t, pick } = useWords();
  const said = [
    t('credit.to', { company }),
    ...bill.details.map(pick),
    ...(bill.lateFeeFen > 0 ? [t('bills.late', { yuan: formatYuan(bill.lateFeeFen) })] : []),
    ...(bill.discountFen > 0 ? [t('bills.discount', { yuan: formatYuan(bill.discountFen) })] : []),
  ];
  return (
    <IntentButton
      does={{ type: 'choose-bill', value: bill.item }}
      className={css['bill']}
      pressed={bill.ticked}
      disabled={busy}
    >
      <span className={`${css['tick']} ${bill.ticked ? css['on'] : ''}`} aria-hidden="true">
        {bill.ticked ? '✓' : ''}
      </span>
      <span className={css['what']}>
        <b>
          {`${t(`kind.${bill.kind}`)} ${bill.period}`.trim()}
          {bill.overdueDays > 0 && <em> {t('bills.overdue', { days: bill.overdueDays })}</em>}
        </b>
        <small>{said.join(' · ')}</small>
      </span>
      <span className={css['sum']}>¥{formatYuan(bill.dueFen)}</span>
    </IntentButton>
  );
}

/** The text that is agreed to, in full, and the box that says so. */
export function Contract({ s }: { readonly s: SnapshotOf<'contract'> }): ReactElement {
  const { t, pick } = useWords();
  return (
    <div className={screens['amount']}>
      <div className={css['list']}>
        <h1>
          <Phrases text={pick(s.title)} />
        </h1>
        <p className={ui['note']}>{t('contract.lead')}</p>
        <ol className={`${ui['panel']} ${css['points']}`}>
          {s.points.map((point) => (
            <li key={point.zh}>{pick(point)}</li>
          ))}
        </ol>
        <IntentButton
          does={{ type: 'agree', value: !s.agreed }}
          className={css['bill']}
          pressed={s.agreed}
          disabled={s.busy}
        >
          <span className={`${css['tick']} ${s.agreed ? css['on'] : ''}`} aria-hidden="true">
            {s.agreed ? '✓' : ''}
          </span>
          <span className={css['what']}>
            <b>{t('contract.agree', { version: s.version })}</b>
            <small>{t('contract.note')}</small>
          </span>
        </IntentButton>
        <Problem code={s.problem} />
      </div>
      <Actions
        fen={s.amountFen}
        busy={s.busy}
        none={t('contract.first')}
        back="back"
        enabled={s.agreed}
      />
    </div>
  );
}

/** While a payment is credited: no control at all, money is in flight. */
export function Crediting({ stage }: Pick<SnapshotOf<'writing'>, 'stage'>): ReactElement {
  const { t } = useWords();
  return (
    <div className={screens['writing']}>
      <Steps at={4} kind="account" />
      <div className={`${ui['panel']} ${screens['writePanel']}`}>
        <Disc kind="ok" />
        <div className={screens['writeWords']}>
          <h1>
            <Phrases text={t('credit.writing.title')} />
          </h1>
          <p className={ui['lead']}>
            {t(stage === 'preparing' ? 'credit.writing.preparing' : 'credit.writing.lead')}
          </p>
        </div>
      </div>
      <p className={`${ui['lead']} ${ui['center']}`}>{t('credit.writing.safe')}</p>
    </div>
  );
}
