import type { ReactElement } from 'react';
import { useWords } from '../i18n/index.ts';
import css from './spoken-banner.module.css';

/** That the machine reads aloud, and how that ends: for whoever sees it, or helps. */
export function SpokenBanner(): ReactElement {
  const { t } = useWords();
  return (
    <div className={css['banner']} data-spoken-banner="">
      <b>{t('spoken.banner')}</b>
      <span>{t('spoken.how')}</span>
    </div>
  );
}
