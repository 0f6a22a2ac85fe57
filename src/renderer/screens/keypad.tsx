import type { ReactElement } from 'react';
import { useState } from 'react';
import { formatYuan } from '../../shared/money.ts';
import { act } from '../state/store.ts';
import { useWords } from '../i18n/index.ts';
import { Pad } from '../components/pad.tsx';
import ui from '../components/ui.module.css';
import css from './screens.module.css';

/**
 * What a key press makes of the typed digits: no leading zero, never more digits than the limit
 * has.
 */
export function typeKey(digits: string, key: string, maxYuan: number): string {
  if (key === 'del') return digits.slice(0, -1);
  const next = digits === '0' ? key : digits + key;
  return next === '0' || next.length > String(maxYuan).length ? digits : next;
}

/** Large number keys for an amount in whole yuan. What is typed lives only here until OK. */
export function Keypad({
  minFen,
  maxFen,
  onClose,
}: {
  readonly minFen: number;
  readonly maxFen: number;
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useWords();
  const [digits, setDigits] = useState('');
  const minYuan = Math.ceil(minFen / 100);
  const maxYuan = Math.floor(maxFen / 100);
  const value = digits === '' ? 0 : Number(digits);
  const valid = value >= minYuan && value <= maxYuan;
  const limits = {
    min: formatYuan(minYuan * 100).replace('.00', ''),
    max: formatYuan(maxYuan * 100).replace('.00', ''),
  };
  const hint =
    value > maxYuan
      ? t('keypad.tooMuch', limits)
      : digits !== '' && value < minYuan
        ? t('keypad.tooLittle', limits)
        : t('keypad.range', limits);
  const press = (key: string): void => setDigits((now) => typeKey(now, key, maxYuan));
  const confirm = (): void => {
    if (!valid) return;
    act({ type: 'choose-amount', value: value * 100 });
    onClose();
  };
  return (
    <div className={`${ui['panel']} ${css['keypad']}`}>
      <h1 className={css['keypadTitle']}>{t('keypad.title')}</h1>
      <output className={css['typed']} data-typed={digits}>
        <small>¥</small>
        {digits === '' ? '0' : digits}
      </output>
      <p
        className={`${css['keypadHint']} ${value > maxYuan ? css['keypadBad'] : ''}`}
        role="status"
      >
        {hint}
      </p>
      <Pad
        onKey={press}
        ok={{ intent: 'choose-amount', value: value * 100, enabled: valid, press: confirm }}
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
