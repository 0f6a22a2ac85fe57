import type { ReactElement } from 'react';
import { useState } from 'react';
import type { PromiseView, RequestShown, SnapshotOf } from '../../shared/contract/index.ts';
import { isMobile, isPhone, isUserNo, MAX_DIGITS, smsOf } from '../../shared/requests.ts';
import { dueText } from '../../shared/working-days.ts';
import type { DiscKind } from '../components/art.tsx';
import { grouped, Pad, typeDigit } from '../components/pad.tsx';
import { Made, Making } from './request-made.tsx';
import { Typed } from './typed.tsx';
import { Pager } from '../components/pager.tsx';
import { Phrases, ActionButton, Facts, IntentButton, Message, Points } from '../components/ui.tsx';
import type { Fact } from '../components/ui.tsx';
import ui from '../components/ui.module.css';
import { useWords } from '../i18n/index.ts';
import type { Translate } from '../i18n/index.ts';
import { act } from '../state/store.ts';
import { formatClock } from '../state/time.ts';
import css from './requests.module.css';
import screens from './screens.module.css';

type RequestScreen = SnapshotOf<'request'>;
type Shown<S extends RequestShown['step']> = Extract<RequestShown, { step: S }>;

/** What a customer asks for, one question at a time; gas that is smelt is never a form. */
export function Requests({ s }: { readonly s: RequestScreen }): ReactElement {
  const { t, tell } = useWords();
  const { shown } = s;
  const { step } = shown;
  return (
    <div className={screens['column']} data-step={step}>
      <div className={css['gas']}>
        <b>{t('req.gas.title')}</b>
        <span>{t('req.gas.body', { number: s.emergency })}</span>
      </div>
      {s.problem !== null && (
        <div className={`${ui['notice']} ${css['problem']}`} role="alert" data-problem={s.problem}>
          <b>{tell(s.problem).title}</b>
          <span>
            {tell(s.problem).body} {s.problem}
          </span>
        </div>
      )}
      <Asked key={step} s={s} />
    </div>
  );
}

function Asked({ s }: { readonly s: RequestScreen }): ReactElement {
  const { shown } = s;
  switch (shown.step) {
    case 'menu':
      return <Menu shown={shown} />;
    case 'choice':
      return <Choice s={s} shown={shown} />;
    case 'slot':
      return <Slots shown={shown} />;
    case 'phone':
      return <Phone mobile={shown.mobile === true} />;
    case 'user':
      return <UserNo shown={shown} />;
    case 'confirm':
      return <Confirm s={s} shown={shown} />;
    case 'making':
      return <Making />;
    case 'made':
      return <Made shown={shown} />;
    case 'find':
      return <Find />;
    case 'status':
      return <Status s={s} shown={shown} />;
    default:
      return shown satisfies never;
  }
}

/** `40 分钟内联系您`, `2 个工作日内答复`. */
function promised(t: Translate, promise: PromiseView): string {
  if ('workingDays' in promise)
    return t(promise.workingDays === 1 ? 'req.promise.day' : 'req.promise.days', {
      days: promise.workingDays,
    });
  const { minutes } = promise;
  return minutes % 60 === 0 && minutes > 60
    ? t('req.promise.hours', { hours: minutes / 60 })
    : t('req.promise.minutes', { minutes });
}

/** `2026-11-30` → `11月30日 周一`. */
function useDay(): (date: string) => string {
  const { locale } = useWords();
  return (date) => formatClock(Date.parse(`${date}T12:00:00+08:00`), locale)[0];
}

function Back({ exit = false }: { readonly exit?: boolean }): ReactElement {
  const { t } = useWords();
  return (
    <ActionButton ghost does={{ type: exit ? 'exit' : 'request-back' }}>
      {t(exit ? 'hall.home' : 'back')}
    </ActionButton>
  );
}

function Menu({ shown }: { readonly shown: Shown<'menu'> }): ReactElement {
  const { t, pick } = useWords();
  const { page, pages } = shown;
  return (
    <>
      <h1>{t('req.menu.title')}</h1>
      <div className={css['options']}>
        {shown.categories.map((c) => (
          <IntentButton
            key={c.id}
            does={{ type: 'request-pick', step: 'menu', value: c.id }}
            disabled={!c.open}
            className={css['option']}
          >
            <b>{pick(c.name)}</b>
            <span>
              {c.open || c.window === null
                ? menuLine(t, c)
                : t('req.window', { from: c.window.from, to: c.window.to })}
            </span>
          </IntentButton>
        ))}
      </div>
      <div className={css['grow']} />
      {pages > 1 && <Pager type="request-page" page={page} pages={pages} />}
      <div className={ui['actions']}>
        <Back exit />
        <ActionButton does={{ type: 'request-find' }}>{t('req.find.open')}</ActionButton>
      </div>
    </>
  );
}

function Choice({
  s,
  shown,
}: {
  readonly s: RequestScreen;
  readonly shown: Shown<'choice'>;
}): ReactElement {
  const { t, pick } = useWords();
  return (
    <>
      <h1>
        <Phrases text={s.subject === null ? t('req.choice.title') : pick(s.subject)} />
      </h1>
      <p className={css['lead']}>{t('req.choice.title')}</p>
      <div className={css['options']}>
        {shown.choices.map((c) => (
          <IntentButton
            key={c.id}
            does={{ type: 'request-pick', step: 'choice', value: c.id }}
            className={css['option']}
          >
            <b>{pick(c.name)}</b>
          </IntentButton>
        ))}
      </div>
      <div className={css['grow']} />
      <div className={`${ui['actions']} ${screens['single']}`}>
        <Back />
      </div>
    </>
  );
}

/** What a category's button says below its name. */
function menuLine(t: Translate, c: Shown<'menu'>['categories'][number]): string {
  const sms = smsOf(c.kind);
  return sms === null ? promised(t, c.promise) : t(`req.sms.${sms}.menu`);
}

function Slots({ shown }: { readonly shown: Shown<'slot'> }): ReactElement {
  const { t } = useWords();
  const dayOf = useDay();
  return (
    <>
      <h1>{t('req.slot.title')}</h1>
      <p className={css['lead']}>{t(shown.sure ? 'req.slot.sure' : 'req.slot.unsure')}</p>
      <div className={css['days']}>
        {shown.days.map((day) => (
          <div key={day.date} className={css['day']}>
            <b>{dayOf(day.date)}</b>
            {day.halves.map(({ half, state }) => (
              <IntentButton
                key={half}
                does={{ type: 'request-pick', step: 'slot', value: `${day.date} ${half}` }}
                disabled={state !== 'free'}
                className={css['half']}
              >
                {t(`req.slot.${state === 'free' ? half : state}`)}
              </IntentButton>
            ))}
          </div>
        ))}
      </div>
      <div className={css['grow']} />
      <div className={`${ui['actions']} ${screens['single']}`}>
        <Back />
      </div>
    </>
  );
}

/** A number on the pad. What is typed lives only here until OK. */
export function Typing({
  title,
  hint,
  bad,
  length,
  valid,
  shape,
  onOk,
  children,
}: {
  readonly title: string;
  readonly hint: string;
  /** What is said of a whole number that is none. */
  readonly bad: string;
  readonly length: number;
  readonly valid: (digits: string) => boolean;
  readonly shape: (digits: string) => string;
  readonly onOk: { readonly intent: string; readonly press: (digits: string) => void };
  readonly children?: ReactElement;
}): ReactElement {
  const [digits, setDigits] = useState('');
  const wrong = digits.length === length && !valid(digits);
  return (
    <>
      <div
        className={`${ui['panel']} ${screens['keypad']} ${screens['refKeypad']} ${css['typing']}`}
      >
        <h1>
          <Phrases text={title} />
        </h1>
        <Typed text={shape(digits)} />
        <p
          className={`${screens['keypadHint']} ${wrong ? screens['keypadBad'] : ''}`}
          role="status"
        >
          {wrong ? bad : hint}
        </p>
        <Pad
          onKey={(key) => setDigits((now) => typeDigit(now, key, length))}
          ok={{
            intent: onOk.intent,
            enabled: valid(digits),
            press: () => onOk.press(digits),
          }}
        />
      </div>
      {children}
    </>
  );
}

/** `138 0558 6212`; what is not typed yet as `_`. */
const mobileShape = (digits: string): string =>
  digits.startsWith('1') || digits === ''
    ? digits.padEnd(11, '_').replace(/^(.{3})(.{4})/, '$1 $2 ')
    : grouped(digits);

const PHONE_DIGITS = 12;
const MOBILE_DIGITS = 11;

function Phone({ mobile }: { readonly mobile: boolean }): ReactElement {
  const { t } = useWords();
  return (
    <Typing
      title={t(mobile ? 'req.sms.phone' : 'req.phone.title')}
      hint={t(mobile ? 'req.sms.phone.hint' : 'req.phone.hint')}
      bad={t('req.phone.bad')}
      length={mobile ? MOBILE_DIGITS : PHONE_DIGITS}
      valid={mobile ? isMobile : isPhone}
      shape={mobileShape}
      onOk={{
        intent: 'request-digits',
        press: (value) => act({ type: 'request-digits', step: 'phone', value }),
      }}
    >
      <div className={`${ui['actions']} ${screens['single']}`}>
        <Back />
      </div>
    </Typing>
  );
}

function UserNo({ shown }: { readonly shown: Shown<'user'> }): ReactElement {
  const { t } = useWords();
  return (
    <Typing
      title={t('req.user.title')}
      hint={t(shown.reading ? 'req.user.reading' : 'req.user.hint')}
      bad={t('req.phone.bad')}
      length={MAX_DIGITS}
      valid={isUserNo}
      shape={(digits) => (digits === '' ? '_' : grouped(digits))}
      onOk={{
        intent: 'request-digits',
        press: (value) => act({ type: 'request-digits', step: 'user', value }),
      }}
    >
      <div className={`${ui['actions']} ${shown.optional ? '' : screens['single']}`}>
        <Back />
        {shown.optional && (
          <ActionButton ghost does={{ type: 'request-digits', step: 'user', value: '' }}>
            {t('req.user.skip')}
          </ActionButton>
        )}
      </div>
    </Typing>
  );
}

function Confirm({
  s,
  shown,
}: {
  readonly s: RequestScreen;
  readonly shown: Shown<'confirm'>;
}): ReactElement {
  const { t, pick } = useWords();
  const dayOf = useDay();
  const { choice, slot, userNo } = shown;
  const subject = s.subject === null ? '' : pick(s.subject);
  const facts: Fact[] = [
    {
      label: t('req.what'),
      value: choice === null ? subject : `${subject} · ${pick(choice)}`,
      full: true,
    },
  ];
  if (slot !== null)
    facts.push({
      label: t('req.when'),
      value: `${dayOf(slot.date)} ${t(`req.slot.${slot.half}`)}`,
      full: true,
    });
  facts.push({ label: t('req.phone.title'), value: shown.phone });
  if (userNo !== null) facts.push({ label: t('req.user.title'), value: userNo });
  return (
    <>
      <h1>
        <Phrases text={t('req.confirm.title')} />
      </h1>
      <div className={ui['panel']}>
        <Facts facts={facts} />
      </div>
      <div className={`${ui['panel']} ${css['promise']}`}>
        <b>{t(shown.sms === undefined ? 'req.promise' : `req.sms.${shown.sms}.title`)}</b>
        <p>
          {shown.sms === undefined
            ? t('req.promise.by', { what: promised(t, shown.promise), due: dueText(shown.dueMs) })
            : t(`req.sms.${shown.sms}.consent`)}
        </p>
      </div>
      <div className={css['grow']} />
      <div className={ui['actions']}>
        <Back />
        <ActionButton does={{ type: 'request-submit' }}>
          {t(shown.sms === undefined ? 'req.submit' : `req.sms.${shown.sms}.submit`)}
        </ActionButton>
      </div>
    </>
  );
}

/** As many as an order's reference has. */
const REF_DIGITS = 12;

function Find(): ReactElement {
  const { t } = useWords();
  const [ref, setRef] = useState<string | null>(null);
  const back = (
    <div className={`${ui['actions']} ${screens['single']}`}>
      <Back />
    </div>
  );
  return ref === null ? (
    <Typing
      key="ref"
      title={t('req.find.ref')}
      hint={t('req.find.ref.hint')}
      bad=""
      length={REF_DIGITS}
      valid={(digits) => digits.length === REF_DIGITS}
      shape={(digits) => grouped(digits, REF_DIGITS)}
      onOk={{ intent: 'request-ref', press: setRef }}
    >
      {back}
    </Typing>
  ) : (
    <Typing
      key="last4"
      title={t('req.find.last4')}
      hint={t('req.find.last4.hint')}
      bad=""
      length={4}
      valid={(digits) => digits.length === 4}
      shape={(digits) => digits.padEnd(4, '_')}
      onOk={{
        intent: 'request-look',
        press: (last4) => act({ type: 'request-look', value: ref, last4 }),
      }}
    >
      {back}
    </Typing>
  );
}

const STATUS_DISC = {
  asking: 'wait',
  'no-answer': 'wait',
  'not-found': 'info',
  accepted: 'wait',
  scheduled: 'person',
  done: 'ok',
  declined: 'info',
} as const satisfies Record<Shown<'status'>['state'], DiscKind>;

function Status({
  s,
  shown,
}: {
  readonly s: RequestScreen;
  readonly shown: Shown<'status'>;
}): ReactElement {
  const { t, pick } = useWords();
  const dayOf = useDay();
  const { name, choice, slot, reply, state, dueMs } = shown;
  const facts: Fact[] = [{ label: t('req.number'), value: shown.ref, full: true }];
  if (name !== null)
    facts.push({
      label: t('req.what'),
      value: choice === null ? pick(name) : `${pick(name)} · ${pick(choice)}`,
      full: true,
    });
  if (slot !== null)
    facts.push({
      label: t('req.when'),
      value: `${dayOf(slot.date)} ${t(`req.slot.${slot.half}`)}`,
    });
  if (dueMs !== null && (state === 'accepted' || state === 'scheduled'))
    facts.push({ label: t('req.due'), value: dueText(dueMs) });
  const points = [
    ...(reply === null ? [] : [t('req.reply', { reply })]),
    ...(state === 'not-found' || state === 'no-answer' || state === 'declined'
      ? s.header.hotline === ''
        ? []
        : [t('req.status.call', { hotline: s.header.hotline })]
      : []),
  ];
  return (
    <Message
      disc={STATUS_DISC[state]}
      title={t(`req.status.${state}.title`)}
      lead={t(`req.status.${state}.lead`)}
      actions={
        state === 'asking' ? undefined : (
          <>
            <Back />
            <ActionButton does={{ type: 'exit' }}>{t('finish')}</ActionButton>
          </>
        )
      }
    >
      <div className={ui['panel']}>
        <Facts facts={facts} />
        {points.length > 0 && <Points items={points} />}
      </div>
    </Message>
  );
}
