import type { ReactElement } from 'react';
import type { SnapshotOf } from '../../shared/contract/index.ts';
import { formatYuan } from '../../shared/money.ts';
import { ActionButton, Facts, Message } from '../components/ui.tsx';
import type { Fact } from '../components/ui.tsx';
import { amountOf, useWords } from '../i18n/index.ts';
import { inWords } from '../voice/numbers.ts';
import ui from '../components/ui.module.css';
import css from './screens.module.css';

/** A large sum, read over before money is asked for: in figures, in words, and for whom. */
export function ConfirmSum({ s }: { readonly s: SnapshotOf<'confirm-sum'> }): ReactElement {
  const { t, pick, locale } = useWords();
  const yuan = formatYuan(s.amountFen);
  const facts: Fact[] = [
    { label: t('account.holder'), value: s.holderMasked },
    s.credit === undefined
      ? { label: t('card.number'), value: s.number }
      : { label: t('account.number'), value: `…… ${s.number}` },
  ];
  if (s.goods !== undefined)
    facts.push({ label: t('toWrite'), value: amountOf(s.goods.quantity, s.goods.unit) });
  if (s.credit !== undefined)
    facts.push(
      {
        label: t('confirm.what'),
        value:
          `${s.credit.kinds.map((kind) => t(`kind.${kind}`)).join(' · ')} ${s.credit.period}`.trim(),
        full: true,
      },
      { label: t('account.company'), value: pick(s.credit.company), full: true },
    );
  return (
    <Message
      title={t('confirm.title')}
      lead={t(s.busy ? 'confirm.busy' : 'confirm.lead')}
      actions={
        <>
          <ActionButton ghost does={{ type: 'back' }} disabled={s.busy}>
            {t('back')}
          </ActionButton>
          <ActionButton does={{ type: 'pay', value: s.amountFen }} disabled={s.busy}>
            {t('confirm.pay')}
          </ActionButton>
        </>
      }
    >
      <div className={`${ui['panel']} ${css['confirmSum']}`}>
        <p className={css['confirmYuan']}>¥{yuan}</p>
        {/* A voice has said it: the figures are read as these words. */}
        <p className={css['confirmWords']} data-unread>
          {t('confirm.words', { words: inWords(yuan, locale) })}
        </p>
        <Facts facts={facts} />
      </div>
    </Message>
  );
}
