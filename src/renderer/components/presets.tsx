import type { ReactElement } from 'react';
import { formatYuan } from '../../shared/money.ts';
import { useWords } from '../i18n/index.ts';
import css from '../screens/screens.module.css';
import { IntentButton } from './ui.tsx';

/** Whole yuan without decimals: `¥100`. */
export function plainYuan(fen: number): string {
  return `¥${formatYuan(fen).replace(/\.00$/, '')}`;
}

/**
 * The sums that are offered, and any other by a pad.
 *
 * @param about what the chosen sum buys; null: nothing is said
 */
export function Presets({
  presetsFen,
  chosenFen,
  about,
  onOther,
}: {
  readonly presetsFen: readonly number[];
  readonly chosenFen: number | null;
  readonly about: string | null;
  readonly onOther: () => void;
}): ReactElement {
  const { t } = useWords();
  const custom = chosenFen !== null && !presetsFen.includes(chosenFen);
  return (
    <div className={css['amounts']}>
      {presetsFen.map((fen) => (
        <IntentButton
          key={fen}
          does={{ type: 'choose-amount', value: fen }}
          pressed={fen === chosenFen}
          className={`${css['amt']} ${fen === chosenFen ? css['chosen'] : ''}`}
        >
          <span>{plainYuan(fen)}</span>
          {fen === chosenFen && about !== null && <small>{about}</small>}
        </IntentButton>
      ))}
      <button
        type="button"
        className={`${css['amt']} ${custom ? css['chosen'] : ''}`}
        aria-pressed={custom}
        data-local="keypad"
        data-intent="keypad"
        onClick={onOther}
      >
        <span>{custom ? plainYuan(chosenFen) : t('amount.other')}</span>
        {custom && <small>{about ?? t('amount.other')}</small>}
      </button>
    </div>
  );
}
