import type { ReactElement } from 'react';
import type { RequestShown } from '../../shared/contract/index.ts';
import { dueText } from '../../shared/working-days.ts';
import { ActionButton, Bar, Facts, Message, Points } from '../components/ui.tsx';
import ui from '../components/ui.module.css';
import { useWords } from '../i18n/index.ts';

type MadeShown = Extract<RequestShown, { step: 'made' }>;

/** It is being written down: nothing says yet that it was taken. */
export function Making(): ReactElement {
  const { t } = useWords();
  return (
    <>
      <Message disc="wait" title={t('req.making.title')} lead={t('req.making.lead')} />
      <Bar percent={50} />
    </>
  );
}

/** It was taken: its number, and what comes of it. */
export function Made({ shown }: { readonly shown: MadeShown }): ReactElement {
  const { t } = useWords();
  return (
    <Message
      disc="ok"
      title={t('req.made.title')}
      lead={
        shown.sms === undefined
          ? t('req.made.lead', { due: dueText(shown.dueMs) })
          : t(`req.sms.${shown.sms}.made`)
      }
      actions={
        <>
          <ActionButton ghost does={{ type: 'request-back' }}>
            {t('req.another')}
          </ActionButton>
          <ActionButton does={{ type: 'exit' }}>{t('finish')}</ActionButton>
        </>
      }
    >
      <div className={ui['panel']}>
        <Facts facts={[{ label: t('req.number'), value: shown.ref, full: true }]} />
        <Points
          items={[
            t(`req.slip.${shown.slip}`),
            t(shown.sms === undefined ? 'req.made.ask' : 'req.sms.again'),
          ]}
        />
      </div>
    </Message>
  );
}
