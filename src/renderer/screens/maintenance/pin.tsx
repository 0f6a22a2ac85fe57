import type { ReactElement } from 'react';
import { useState } from 'react';
import type { SnapshotOf } from '../../../shared/contract/index.ts';
import { ERRORS } from '../../../shared/errors.ts';
import { Pad, typeDigit } from '../../components/pad.tsx';
import { ActionButton } from '../../components/ui.tsx';
import { useWords } from '../../i18n/index.ts';
import { act } from '../../state/store.ts';
import { minutesLeft, useUntil } from '../../state/time.ts';
import ui from '../../components/ui.module.css';
import css from './maintenance.module.css';
import screens from '../screens.module.css';

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
