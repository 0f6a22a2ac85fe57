import type { ReactElement } from 'react';
import { act } from '../state/store.ts';
import { useWords } from '../i18n/index.ts';
import css from '../screens/screens.module.css';

const DIGITS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];

/**
 * What the confirming key does: the intent it sends (a hook for tests), its argument where that is
 * no secret, and when it may be pressed.
 */
export interface PadOk {
  readonly intent: string;
  readonly value?: string | number;
  readonly enabled: boolean;
  readonly press: () => void;
}

/** Large number keys, delete and OK. What was typed belongs to the screen around them. */
export function Pad({
  onKey,
  ok,
  disabled = false,
}: {
  readonly onKey: (key: string) => void;
  readonly ok: PadOk;
  readonly disabled?: boolean;
}): ReactElement {
  const { t } = useWords();
  // Whoever types is there: the screen's time begins again.
  const press = (name: string): void => {
    onKey(name);
    act({ type: 'activity' });
  };
  const key = (name: string): ReactElement => (
    <button
      key={name}
      type="button"
      className={css['key']}
      data-key={name}
      data-intent="key"
      data-value={name}
      disabled={disabled}
      onClick={() => press(name)}
    >
      {name}
    </button>
  );
  return (
    <div className={css['keys']}>
      {DIGITS.map(key)}
      <button
        type="button"
        className={`${css['key']} ${css['keyWord']}`}
        data-key="del"
        data-intent="key"
        data-value="del"
        disabled={disabled}
        onClick={() => press('del')}
      >
        {t('keypad.delete')}
      </button>
      {key('0')}
      <button
        type="button"
        className={`${css['key']} ${css['keyWord']} ${css['keyOk']}`}
        data-key="ok"
        data-intent={ok.intent}
        data-value={ok.value}
        disabled={disabled || !ok.enabled}
        onClick={ok.press}
      >
        {t('keypad.ok')}
      </button>
    </div>
  );
}

/** One key more (or one less) on at most `max` digits, leading zeros kept. */
export function typeDigit(digits: string, key: string, max: number): string {
  if (key === 'del') return digits.slice(0, -1);
  return digits.length >= max ? digits : digits + key;
}

/**
 * Digits in groups of four, as they stand on a slip: `031122092641` → `0311 2209 2641`. What is not
 * typed yet is shown as `_` where `length` is given.
 */
export function grouped(digits: string, length = digits.length): string {
  return digits.padEnd(length, '_').replace(/(.{4})(?=.)/g, '$1 ');
}
