import type { ReactElement, ReactNode } from 'react';
import { useSyncExternalStore } from 'react';
import type { MaintenanceAction, OrderStory, SnapshotOf } from '../../../shared/contract/index.ts';
import { IntentButton } from '../../components/ui.tsx';
import { useWords } from '../../i18n/index.ts';
import type { OnAsk } from './asked.ts';
import ui from '../../components/ui.module.css';
import css from './maintenance.module.css';

/** The screen of maintenance mode. */
export type MaintenanceSnapshot = SnapshotOf<'maintenance'>;
/** What each tab is given. */
export interface TabProps {
  readonly s: MaintenanceSnapshot;
  readonly onAsk: OnAsk;
}

/** A button of the page itself: no intent by it. */
export function LocalButton({
  name,
  ghost = false,
  onPress,
  children,
}: {
  readonly name: string;
  readonly ghost?: boolean;
  readonly onPress: () => void;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <button
      type="button"
      className={`${ui['btn']} ${ghost ? ui['ghost'] : ''}`}
      data-local={name}
      onClick={onPress}
    >
      {children}
    </button>
  );
}

/** Orders that wait for a person. */
export function parkedOf(s: MaintenanceSnapshot): readonly OrderStory[] {
  return s.orders.filter((order) => order.state === 'parked');
}

/** An action that needs no second thought. */
export function DoButton({
  action,
  target,
  disabled = false,
  children,
}: {
  readonly action: MaintenanceAction;
  readonly target?: string;
  readonly disabled?: boolean;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <IntentButton
      className={css['do']}
      disabled={disabled}
      does={{ type: 'maintenance-do', value: action, ...(target === undefined ? {} : { target }) }}
    >
      {children}
    </IntentButton>
  );
}

const LANDSCAPE = '(orientation: landscape)';

export function useLandscape(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = matchMedia(LANDSCAPE);
      media.addEventListener('change', changed);
      return () => media.removeEventListener('change', changed);
    },
    () => matchMedia(LANDSCAPE).matches,
  );
}

/** Upright, then landscape; each in plain and in large text. */
const SIZES = {
  orders: [
    [7, 5],
    [8, 4],
  ],
  story: [
    [10, 7],
    [7, 5],
  ],
  lines: [
    [9, 6],
    [7, 4],
  ],
  shifts: [
    [7, 5],
    [8, 4],
  ],
  logs: [
    [11, 6],
    [6, 4],
  ],
} as const;

/**
 * How many rows fit, by panel and text size. Nothing on a kiosk scrolls: what is more goes to the
 * next page.
 */
export function usePageSize(kind: keyof typeof SIZES, large: boolean): number {
  const landscape = useLandscape();
  const sizes = SIZES[kind][landscape ? 1 : 0];
  return sizes[large ? 1 : 0] ?? 5;
}

/**
 * One page of a list; a page that is no longer there shows the last one. `fill: 'last'`: it is the
 * last page that is full, not the first.
 */
export function pageOf<T>(
  list: readonly T[],
  size: number,
  page: number,
  fill: 'first' | 'last' = 'first',
): { readonly items: readonly T[]; readonly page: number; readonly pages: number } {
  const pages = Math.max(1, Math.ceil(list.length / size));
  const at = Math.min(Math.max(0, page), pages - 1);
  const end = fill === 'first' ? at * size + size : list.length - (pages - 1 - at) * size;
  return { items: list.slice(Math.max(0, end - size), end), page: at, pages };
}

export function Pager({
  page,
  pages,
  onPage,
}: {
  readonly page: number;
  readonly pages: number;
  readonly onPage: (page: number) => void;
}): ReactElement | null {
  const { t } = useWords();
  if (pages < 2) return null;
  return (
    <div className={css['pager']}>
      <button
        type="button"
        className={css['do']}
        data-local="page-back"
        disabled={page === 0}
        onClick={() => onPage(page - 1)}
      >
        {t('mnt.pageBack')}
      </button>
      <span>{t('mnt.page', { page: page + 1, pages })}</span>
      <button
        type="button"
        className={css['do']}
        data-local="page-on"
        disabled={page === pages - 1}
        onClick={() => onPage(page + 1)}
      >
        {t('mnt.pageOn')}
      </button>
    </div>
  );
}
