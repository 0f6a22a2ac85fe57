import type { ReactElement } from 'react';
import { useWords } from '../i18n/index.ts';
import { IntentButton } from './ui.tsx';
import css from './pager.module.css';

/** Which page of several is shown, and those beside it: pages count from 0. */
export function Pager({
  type,
  page,
  pages,
}: {
  readonly type: 'info-page' | 'request-page';
  readonly page: number;
  readonly pages: number;
}): ReactElement {
  const { t } = useWords();
  return (
    <div className={css['pager']}>
      <IntentButton
        does={{ type, value: Math.max(0, page - 1) }}
        disabled={page === 0}
        className={css['chip']}
      >
        {t('hall.page.before')}
      </IntentButton>
      <span>{t('hall.page', { page: page + 1, pages })}</span>
      <IntentButton
        does={{ type, value: page + 1 }}
        disabled={page + 1 >= pages}
        className={css['chip']}
      >
        {t('hall.page.next')}
      </IntentButton>
    </div>
  );
}
