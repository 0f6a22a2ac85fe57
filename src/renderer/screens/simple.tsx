import type { ReactElement } from 'react';
import { Qr } from '../components/qr.tsx';
import { useState } from 'react';
import type { SnapshotOf } from '../../shared/contract/index.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { formatMicroYuan, formatYuan } from '../../shared/money.ts';
import { RATINGS } from '../../shared/ratings.ts';
import { CardArt, Face, FaultArt } from '../components/art.tsx';
import type { CardFault, DiscKind } from '../components/art.tsx';
import { grouped, Pad, typeDigit } from '../components/pad.tsx';
import {
  ActionButton,
  Bar,
  Facts,
  IntentButton,
  Message,
  Notice,
  pendingFact,
  Phrases,
  Points,
  referenceOf,
  Steps,
  useCardFacts,
  useCreditWords,
  useHow,
  useReceiptText,
} from '../components/ui.tsx';
import type { Fact } from '../components/ui.tsx';
import { amountOf, useWords } from '../i18n/index.ts';
import type { Translate } from '../i18n/index.ts';
import { Crediting } from './account.tsx';
import { entryOf } from '../state/entry.ts';
import { act } from '../state/store.ts';
import { useNewView } from '../state/taps.ts';
import ui from '../components/ui.module.css';
import css from './screens.module.css';

/** A paper that its customer does not have whole can be printed again. */
const isMissing = (paper: SnapshotOf<'done'>['receipt']): boolean =>
  paper === 'failed' || paper === 'partly';

/** Digits of an order number, as on the slip. */
export const REF_DIGITS = 12;

export function InsertCard({ s }: { readonly s: SnapshotOf<'insert-card'> }): ReactElement {
  const { t, locale } = useWords();
  const how = useHow();
  const [typing, setTyping] = useState(false);
  useNewView(typing ? 'pad' : 'card');
  if (s.purpose === 'unfinished' && typing) return <RefKeypad onClose={() => setTyping(false)} />;
  if (s.purpose === 'unfinished') {
    return (
      <div className={css['column']}>
        <Message
          art={<CardArt entry={entryOf(s)} moving />}
          title={t('insert.unfinished.title')}
          lead={`${how(s.header)}${locale === 'en' ? '.' : '。'}\n${t('insert.unfinished.lead')}`}
        />
        <div className={ui['actions']}>
          <ActionButton ghost does={{ type: 'exit' }}>
            {t('back')}
          </ActionButton>
          <button
            type="button"
            className={`${ui['btn']} ${ui['ghost']}`}
            data-local="keypad"
            data-intent="keypad"
            onClick={() => setTyping(true)}
          >
            {t('ref.open')}
          </button>
        </div>
      </div>
    );
  }
  return (
    <div className={css['column']}>
      <Message
        art={<CardArt entry={entryOf(s)} moving />}
        title={t(`insert.${s.purpose}.title`)}
        lead={`${how(s.header)}${locale === 'en' ? '.' : '。'}\n${t(`insert.${s.purpose}.lead`)}`}
      />
      <div className={`${ui['actions']} ${s.byNumber === true ? '' : css['single']}`}>
        <ActionButton ghost does={{ type: 'exit' }}>
          {t('back')}
        </ActionButton>
        {s.byNumber === true && (
          <ActionButton ghost does={{ type: 'my-number' }}>
            {t('my.byNumber')}
          </ActionButton>
        )}
      </div>
    </div>
  );
}

/** The other way to an unfinished order: the twelve digits of its slip. */
function RefKeypad({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useWords();
  const [digits, setDigits] = useState('');
  const whole = digits.length === REF_DIGITS;
  return (
    <div className={`${ui['panel']} ${css['keypad']} ${css['refKeypad']}`}>
      <h1 className={css['keypadTitle']}>
        <Phrases text={t('ref.title')} />
      </h1>
      <output className={`${css['typed']} ${css['typedRef']}`} data-typed={digits}>
        {grouped(digits, REF_DIGITS)}
      </output>
      <p className={css['keypadHint']} role="status">
        {whole ? t('ref.ready') : t('ref.left', { count: REF_DIGITS - digits.length })}
      </p>
      <Pad
        onKey={(key) => setDigits((now) => typeDigit(now, key, REF_DIGITS))}
        ok={{
          intent: 'find-order',
          value: digits,
          enabled: whole,
          press: () => act({ type: 'find-order', value: digits }),
        }}
      />
      <button
        type="button"
        className={`${ui['btn']} ${ui['ghost']}`}
        data-local="keypad-close"
        data-intent="keypad-close"
        onClick={onClose}
      >
        {t('back')}
      </button>
    </div>
  );
}

const STATUS_DISC = {
  paying: 'wait',
  writing: 'card',
  'in-doubt': 'card',
  delivered: 'ok',
  refunding: 'back',
  refunded: 'ok',
  parked: 'person',
  closed: 'info',
  asking: 'wait',
  'not-found': 'info',
  'no-answer': 'wait',
} as const satisfies Record<string, DiscKind>;

/** Which words tell how an order stands: one that is posted has no card. */
function statusWords(s: SnapshotOf<'order-status'>) {
  if (s.credit === undefined) return `status.${s.state}` as const;
  if (s.state === 'writing' || s.state === 'in-doubt') return 'status.credit.writing';
  return s.state === 'delivered' ? 'status.credit.delivered' : (`status.${s.state}` as const);
}

/** An order by its slip: where it is, is the money safe, what now. */
export function OrderStatus({ s }: { readonly s: SnapshotOf<'order-status'> }): ReactElement {
  const { t } = useWords();
  const facts: Fact[] = [{ label: t('orderRef'), value: s.orderRef, full: true }];
  if (s.amountFen !== null)
    facts.push({ label: t('doubt.order'), value: `¥${formatYuan(s.amountFen)}` });
  if (s.quantity !== null && s.unit !== null && s.credit === undefined)
    facts.push({ label: t('toWrite'), value: amountOf(s.quantity, s.unit) });
  const says = statusWords(s);
  const points = [
    t(s.state === 'delivered' && s.meter !== undefined ? `status.meter.${s.meter}` : `${says}.now`),
  ];
  if (s.copy !== undefined && s.copy.slip !== 'none') points.push(t(`my.slip.${s.copy.slip}`));
  if (s.header.hotline !== '' && s.state !== 'asking' && s.state !== 'delivered')
    points.push(t('status.call', { hotline: s.header.hotline }));
  if (s.moved === true) points.push(t('status.moved'));
  return (
    <Message
      disc={STATUS_DISC[s.state]}
      title={t(`${says}.title`)}
      lead={t(`${says}.lead`)}
      actions={
        s.state === 'asking' ? undefined : (
          <>
            {(s.copy?.can === true || s.copy?.slip === 'printing') && (
              <ActionButton ghost does={{ type: 'print' }} disabled={s.copy.slip === 'printing'}>
                {t('my.copy')}
              </ActionButton>
            )}
            <ActionButton does={{ type: 'exit' }}>{t('finish')}</ActionButton>
          </>
        )
      }
    >
      {s.receiptUrl !== undefined && (
        <ReceiptCode url={s.receiptUrl} orderRef={s.orderRef} invoice={false} />
      )}
      <div className={ui['panel']}>
        <Facts facts={facts} />
        {s.state === 'asking' ? (
          <div className={css['panelBar']}>
            <Bar percent={45} />
          </div>
        ) : (
          <Points items={points} />
        )}
      </div>
    </Message>
  );
}

export function Reading({ s }: { readonly s: SnapshotOf<'reading'> }): ReactElement {
  const { t } = useWords();
  return (
    <div className={css['column']}>
      <Message
        art={<CardArt entry={entryOf(s)} />}
        title={t(`reading.${s.stage}.title`)}
        lead={t('reading.lead')}
      />
      <div className={css['barAlone']}>
        <Bar percent={s.stage === 'card' ? 35 : 75} />
      </div>
    </div>
  );
}

/** Reasons that only need another card, not a repair. */
const MILD: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CARD-0101',
  'CARD-0102',
  'CARD-0103',
  'CARD-0106',
  'CARD-0108',
  'CARD-0109',
  'SALE-0101',
  'SALE-0105',
  'SALE-0106',
  'SALE-0107',
]);
const WAITING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CARD-0107',
  'SALE-0110',
  'SALE-0111',
  'SALE-0118',
  'PAY-0101',
  'PAY-0202',
  'PAY-0203',
  'BILL-0101',
  'DEV-0302',
  'DEV-0303',
  'DEV-0401',
  'CORE-0101',
]);

/** Reasons that a picture tells, and a customer can often mend. */
const FAULTS: Readonly<Partial<Record<ErrorCode, CardFault>>> = {
  'CARD-0101': 'turn',
  'CARD-0102': 'again',
  'CARD-0103': 'foreign',
  'CARD-0106': 'again',
  'CARD-0108': 'again',
  'CARD-0110': 'locked',
};

export function CannotSell({ s }: { readonly s: SnapshotOf<'cannot-sell'> }): ReactElement {
  const { t, tell } = useWords();
  const why = tell(s.reason);
  const fault = FAULTS[s.reason];
  const disc: DiscKind = WAITING.has(s.reason)
    ? 'wait'
    : MILD.has(s.reason)
      ? s.reason.startsWith('CARD') || s.reason === 'SALE-0101'
        ? 'card'
        : 'info'
      : 'bad';
  const facts: Fact[] =
    s.card === null
      ? []
      : [
          ...(s.card.holderMasked === ''
            ? []
            : [{ label: t('card.holder'), value: s.card.holderMasked }]),
          { label: t('card.number'), value: s.card.cardMasked },
        ];
  if (s.card !== null) facts.push({ ...pendingFact(s.card, t), full: true });
  facts.push({ label: t('reference'), value: referenceOf(s), full: true });
  return (
    <Message
      {...(fault === undefined ? { disc } : { art: <FaultArt fault={fault} entry={entryOf(s)} /> })}
      title={why.title}
      lead={s.payDebt === true ? t('cannot.debt.lead') : why.body}
      actions={
        <>
          {s.payDebt === true && (
            <ActionButton does={{ type: 'pay-debt' }}>{t('cannot.payDebt')}</ActionButton>
          )}
          <ActionButton ghost={s.payDebt === true} does={{ type: 'exit' }}>
            {t('takeCard')}
          </ActionButton>
        </>
      }
    >
      <div className={ui['panel']}>
        <Facts facts={facts} />
        {s.header.hotline !== '' && (
          <Points items={[t('cannot.call', { hotline: s.header.hotline })]} />
        )}
      </div>
    </Message>
  );
}

export function CardInfo({ s }: { readonly s: SnapshotOf<'card-info'> }): ReactElement {
  const { t } = useWords();
  const facts = useCardFacts(s.card);
  const usage = [
    facts.pending,
    ...(facts.remaining === null ? [] : [facts.remaining]),
    facts.year,
    ...(facts.price === null ? [] : [facts.price]),
    facts.count,
    {
      label: t(s.card.kind === 'fuel' ? 'info.lastFilling' : 'info.lastVisit'),
      value: s.lastVisit ?? t('info.none'),
    },
  ];
  return (
    <div className={css['column']}>
      <h2>{t('info.title')}</h2>
      <div className={ui['panel']}>
        <Facts facts={facts.who} />
      </div>
      <div className={`${ui['panel']} ${css['wideFacts']}`}>
        <Facts facts={usage} />
      </div>
      {s.card.granted !== undefined && (
        <Notice>
          {t(s.card.granted.waits ? 'granted.waitsInfo' : 'granted.written', {
            quantity: amountOf(s.card.granted.quantity, s.card.unit),
          })}
        </Notice>
      )}
      <p className={`${ui['lead']} ${ui['center']}`}>{t('info.take')}</p>
      <div className={ui['grow']} />
      <div className={`${ui['actions']} ${css['single']}`}>
        <ActionButton does={{ type: 'exit' }}>{t('finish')}</ActionButton>
      </div>
    </div>
  );
}

/**
 * As far as the write says that it has come: its steps, or, where nobody counts them, the stages
 * before this one. Nothing moves by itself.
 */
function percentOf({ stage, steps }: Pick<SnapshotOf<'writing'>, 'stage' | 'steps'>): number {
  if (steps !== undefined) return Math.round((100 * steps.done) / Math.max(1, steps.of));
  return { preparing: 0, writing: 33, checking: 67 }[stage];
}

/** No control at all: money is in flight. */
export function Writing({ s }: { readonly s: SnapshotOf<'writing'> }): ReactElement {
  const { t } = useWords();
  if (s.credit !== undefined) return <Crediting stage={s.stage} />;
  return (
    <div className={css['writing']}>
      <Steps at={4} />
      <div className={`${ui['panel']} ${css['writePanel']}`}>
        <CardArt entry={entryOf(s)} />
        <div className={css['writeWords']}>
          <h1>
            <Phrases text={t('writing.title')} />
          </h1>
          <p className={ui['lead']}>
            {t(`writing.${s.stage}`, { quantity: amountOf(s.quantity, s.unit) })}
          </p>
          <Bar percent={percentOf(s)} />
        </div>
      </div>
      <p className={`${ui['lead']} ${ui['center']}`}>
        <Phrases text={t('writing.safe')} />
      </p>
    </div>
  );
}

export function Done({ s }: { readonly s: SnapshotOf<'done'> }): ReactElement {
  const { t, pick } = useWords();
  const receipt = useReceiptText(s.receipt);
  const creditWords = useCreditWords();
  const notes = [receipt];
  if (s.carriedAfterMicro > 0)
    notes.push(t('done.carried', { yuan: formatMicroYuan(s.carriedAfterMicro) }));
  return (
    <Message
      disc="ok"
      {...doneWords(s, t)}
      actions={
        isMissing(s.receipt) || s.cardOut ? (
          <>
            {isMissing(s.receipt) && (
              <ActionButton ghost does={{ type: 'print' }}>
                {t('receipt.again')}
              </ActionButton>
            )}
            {s.recharge === true && (
              <ActionButton does={{ type: 'recharge' }}>{t('credit.recharge')}</ActionButton>
            )}
            {s.restFen !== undefined && (
              <ActionButton does={{ type: 'pay-next' }}>
                {t('credit.next', { yuan: formatYuan(s.restFen) })}
              </ActionButton>
            )}
            {s.cardOut && (
              <ActionButton
                ghost={s.restFen !== undefined || s.recharge === true}
                does={{ type: 'exit' }}
              >
                {t('finish')}
              </ActionButton>
            )}
          </>
        ) : undefined
      }
    >
      <div className={ui['panel']}>
        <Facts
          facts={[
            { label: t('paid'), value: `¥${formatYuan(s.amountFen)}` },
            ...(s.credit === undefined
              ? [
                  { label: t('done.written'), value: amountOf(s.quantity, s.unit) },
                  // The receipt on the phone has it.
                  ...(s.receiptUrl === undefined
                    ? [{ label: t('done.count'), value: t('done.countValue', { count: s.count }) }]
                    : []),
                ]
              : [
                  { label: t('account.company'), value: pick(s.credit.company) },
                  { label: t('credit.done.to'), value: creditWords(s.credit), full: true },
                ]),
            ...(s.receiptUrl === undefined ? [{ label: t('orderRef'), value: s.orderRef }] : []),
          ]}
        />
        <Points items={notes} />
      </div>
      {s.receiptUrl !== undefined && (
        <ReceiptCode url={s.receiptUrl} orderRef={s.orderRef} invoice={s.invoice === true} />
      )}
      {s.cardOut && <Rate rated={s.rated} />}
    </Message>
  );
}

function doneWords(s: SnapshotOf<'done'>, t: Translate): { title: string; lead: string } {
  if (s.credit !== undefined)
    return {
      title: t('credit.done.title'),
      lead: t(s.credit.kinds.includes('balance') ? 'credit.done.topUp' : 'credit.done.lead'),
    };
  const says = s.cardOut ? 'thanks' : 'take';
  const title = t(`done.${says}.title`);
  if (s.cardKind === 'fuel') return { title, lead: t(`done.${says}.fuel`) };
  return { title, lead: t(`done.${says}.lead`, { meter: t(`meter.${s.cardKind ?? 'gas'}`) }) };
}

/** The receipt for a phone: what the slip's code opens, also where no slip came out. */
function ReceiptCode({
  url,
  orderRef,
  invoice,
}: {
  readonly url: string;
  readonly orderRef: string;
  readonly invoice: boolean;
}): ReactElement {
  const { t } = useWords();
  return (
    <div className={`${ui['panel']} ${css['receiptCode']}`}>
      <Qr className={css['receiptQr']} text={url} label={t('receipt.code.title')} />
      <div>
        <b>{t('receipt.code.title')}</b>
        <p>
          <Phrases text={t(invoice ? 'receipt.code.invoice' : 'receipt.code.lead')} />
        </p>
        <p className={ui['note']}>
          {t('orderRef')} {orderRef}
        </p>
      </div>
    </div>
  );
}

/** How it was, by one touch; then thanks for that. */
function Rate({ rated }: { readonly rated: SnapshotOf<'done'>['rated'] }): ReactElement {
  const { t } = useWords();
  return (
    <section className={css['rate']}>
      <b role="status">{t(rated === null ? 'rate.ask' : 'rate.thanks')}</b>
      {rated === null && (
        <div className={css['rates']}>
          {RATINGS.map((rating) => (
            <IntentButton
              key={rating}
              className={css['amt']}
              does={{ type: 'rate', value: rating }}
            >
              <Face rating={rating} />
              {t(`rate.${rating}`)}
            </IntentButton>
          ))}
        </div>
      )}
    </section>
  );
}

export function InDoubt({ s }: { readonly s: SnapshotOf<'in-doubt'> }): ReactElement {
  const { t } = useWords();
  const receipt = useReceiptText(s.slip);
  const credit = s.credit !== undefined && s.reason === 'payment';
  const points = [
    t(credit ? 'doubt.credit.payment.1' : `doubt.${s.reason}.1`),
    t(`doubt.${s.reason}.2`),
    t(`doubt.${s.reason}.3`),
  ];
  points.push(receipt);
  return (
    <Message
      disc={s.reason === 'paid' || s.reason === 'card' ? 'card' : 'wait'}
      title={t(`doubt.${s.reason}.title`)}
      lead={t(
        credit
          ? 'doubt.credit.payment.lead'
          : s.taken === true
            ? 'doubt.posting.taken'
            : `doubt.${s.reason}.lead`,
      )}
      actions={
        <>
          {isMissing(s.slip) && (
            <ActionButton ghost does={{ type: 'print' }}>
              {t('receipt.again')}
            </ActionButton>
          )}
          <ActionButton ghost does={{ type: 'leave' }}>
            {t('doubt.leave')}
          </ActionButton>
        </>
      }
    >
      <div className={ui['panel']}>
        <Facts
          facts={[
            {
              label: t(s.reason === 'payment' ? 'doubt.order' : 'doubt.paid'),
              value: `¥${formatYuan(s.amountFen)}`,
            },
            { label: t('orderRef'), value: s.orderRef },
          ]}
        />
        <Points items={points} />
      </div>
    </Message>
  );
}

const UNFINISHED_DISC = {
  found: 'info',
  finishing: 'card',
  delivered: 'ok',
  refunding: 'back',
  refunded: 'ok',
  parked: 'person',
} as const satisfies Record<string, DiscKind>;

export function Unfinished({ s }: { readonly s: SnapshotOf<'unfinished'> }): ReactElement {
  const { t } = useWords();
  const over = s.state === 'delivered' || s.state === 'refunded' || s.state === 'parked';
  const busy =
    s.state === 'found'
      ? 0
      : s.state === 'finishing'
        ? percentOf(s.progress ?? { stage: 'writing' })
        : s.state === 'refunding'
          ? 50
          : null;
  return (
    <Message
      disc={UNFINISHED_DISC[s.state]}
      title={t(`unfinished.${s.state}.title`)}
      lead={t(
        s.credit !== undefined && (s.state === 'found' || s.state === 'finishing')
          ? 'unfinished.credit.found.lead'
          : s.cardKind === 'fuel' && s.state === 'delivered'
            ? 'unfinished.delivered.fuel'
            : `unfinished.${s.state}.lead`,
      )}
      actions={
        over ? <ActionButton does={{ type: 'exit' }}>{t('finish')}</ActionButton> : undefined
      }
    >
      <div className={ui['panel']}>
        <Facts
          facts={[
            { label: t('paid'), value: `¥${formatYuan(s.amountFen)}` },
            ...(s.credit === undefined
              ? [
                  {
                    label: t(s.state === 'delivered' ? 'done.written' : 'toWrite'),
                    value: amountOf(s.quantity, s.unit),
                  },
                ]
              : []),
            { label: t('orderRef'), value: s.orderRef, full: true },
          ]}
        />
        {busy !== null && (
          <div className={css['panelBar']}>
            <Bar percent={busy} />
          </div>
        )}
        {s.state === 'parked' && <Points items={[t('ref.keep')]} />}
      </div>
    </Message>
  );
}

const REFUND_DISC = {
  refunding: 'back',
  refunded: 'ok',
  parked: 'person',
} as const satisfies Record<string, DiscKind>;

export function Refunding({ s }: { readonly s: SnapshotOf<'refunding'> }): ReactElement {
  const { t, tell } = useWords();
  const receipt = useReceiptText(s.slip);
  const facts: Fact[] = [
    { label: t('refund.amount'), value: `¥${formatYuan(s.amountFen)}` },
    { label: t('orderRef'), value: s.orderRef },
  ];
  if (s.reason !== null)
    facts.push({
      label: t('refund.why'),
      value: `${tell(s.reason).title} (${s.reason})`,
      full: true,
    });
  const over = s.state !== 'refunding';
  return (
    <Message
      disc={REFUND_DISC[s.state]}
      title={t(`refund.${s.state}.title`)}
      // What is to be done, and for whom it waits, only these reasons say.
      lead={
        s.reason === 'BILL-0111' || s.reason === 'PAY-0205'
          ? tell(s.reason).body
          : t(`refund.${s.state}.lead`)
      }
      actions={
        over ? (
          <>
            {isMissing(s.slip) && (
              <ActionButton ghost does={{ type: 'print' }}>
                {t('receipt.again')}
              </ActionButton>
            )}
            <ActionButton does={{ type: 'exit' }}>{t('finish')}</ActionButton>
          </>
        ) : undefined
      }
    >
      <div className={ui['panel']}>
        <Facts facts={facts} />
        {over ? (
          <Points items={[receipt]} />
        ) : (
          <div className={css['panelBar']}>
            <Bar percent={50} />
          </div>
        )}
      </div>
    </Message>
  );
}

/** The visit is over; the one thing left is the card. */
export function TakeCard({ s }: { readonly s: SnapshotOf<'take-card'> }): ReactElement {
  const { t } = useWords();
  return (
    <Message
      art={<CardArt entry={entryOf(s)} out />}
      title={t('take.title')}
      lead={t('take.lead')}
    />
  );
}

export function Cancelled({ s }: { readonly s: SnapshotOf<'cancelled'> }): ReactElement {
  const { t } = useWords();
  const says = s.again ? 'expired' : 'cancelled';
  return (
    <Message
      disc="back"
      title={t(`${says}.title`)}
      lead={t(`${says}.lead`)}
      actions={
        <>
          {s.again && (
            <ActionButton does={{ type: 'more-time' }}>{t('expired.again')}</ActionButton>
          )}
          <ActionButton does={{ type: 'exit' }} ghost={s.again}>
            {t(s.again ? 'expired.leave' : 'finish')}
          </ActionButton>
        </>
      }
    >
      <div className={ui['panel']}>
        <Facts
          facts={[
            { label: t('cancelled.amount'), value: `¥${formatYuan(s.amountFen)}`, full: true },
          ]}
        />
        <Points items={[t('cancelled.late')]} />
      </div>
    </Message>
  );
}
