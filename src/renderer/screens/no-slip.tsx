import type { ReactElement } from 'react';
import type { SnapshotOf } from '../../shared/contract/index.ts';
import { formatYuan } from '../../shared/money.ts';
import { ActionButton, Facts, Message, Points } from '../components/ui.tsx';
import { useWords } from '../i18n/index.ts';
import ui from '../components/ui.module.css';

/** No slip can be printed: what there is instead, and one touch to agree, before money is asked for. */
export function NoSlip({ s }: { readonly s: SnapshotOf<'no-slip'> }): ReactElement {
  const { t } = useWords();
  return (
    <Message
      disc="info"
      title={t('noSlip.title')}
      lead={t(s.busy ? 'confirm.busy' : s.code ? 'noSlip.lead.code' : 'noSlip.lead.photo')}
      actions={
        <>
          <ActionButton ghost does={{ type: 'back' }} disabled={s.busy}>
            {t('back')}
          </ActionButton>
          <ActionButton does={{ type: 'pay', value: s.amountFen }} disabled={s.busy}>
            {t('noSlip.agree')}
          </ActionButton>
        </>
      }
    >
      <div className={ui['panel']}>
        <Facts facts={[{ label: t('noSlip.sum'), value: `¥${formatYuan(s.amountFen)}` }]} />
        <Points items={[t('noSlip.counts'), t('noSlip.later')]} />
      </div>
    </Message>
  );
}
