import type { ReactElement } from 'react';
import { useState } from 'react';
import { LOG_FILTERS } from '../../../shared/contract/index.ts';
import type { LogFilter, LogLine, LogsView } from '../../../shared/contract/index.ts';
import { DAY_MS, chinaDate } from '../../../shared/time.ts';
import { IntentButton } from '../../components/ui.tsx';
import { useWords } from '../../i18n/index.ts';
import { act } from '../../state/store.ts';
import { formatStamp } from '../../state/time.ts';
import { pageOf, usePageSize } from './parts.tsx';
import type { TabProps } from './parts.tsx';
import ui from '../../components/ui.module.css';
import css from './maintenance.module.css';

/** Every fact as a sentence, by matter and backwards in time; and what the programs warned of. */
export function Logs({ s }: TabProps): ReactElement {
  const { t } = useWords();
  const [page, setPage] = useState(0);
  /** Where the stretches before this one began, to come back to. */
  const [back, setBack] = useState<readonly string[]>([]);
  const { logs } = s;
  const rows = usePageSize('logs', s.access.largeText);
  // What programs say runs over several lines.
  const size = logs?.filter === 'program' ? Math.floor(rows / 2) : rows;
  const go = (value: LogFilter, from: string, came: readonly string[], at = 0): void => {
    act({ type: 'maintenance-log', value, from });
    setBack(came);
    setPage(at);
  };
  const filter = logs?.filter ?? 'all';
  const shown = pageOf(logs?.lines ?? [], size, page);
  return (
    <div className={css['daybook']} data-log={filter}>
      <div className={`${css['segments']} ${css['filters']}`} role="radiogroup">
        {LOG_FILTERS.map((one) => (
          <button
            key={one}
            type="button"
            role="radio"
            aria-checked={filter === one}
            className={`${css['segment']} ${filter === one ? css['segmentOn'] : ''}`}
            data-intent="maintenance-log"
            data-value={one}
            onClick={() => go(one, '', [])}
          >
            {t(`mnt.log.${one}`)}
          </button>
        ))}
      </div>
      {logs === null ? (
        <div className={css['nothing']}>
          <p>{t('mnt.log.looking')}</p>
        </div>
      ) : (
        <>
          <Lines logs={logs} lines={shown.items} />
          <Ways logs={logs} shown={shown} back={back} onGo={go} onPage={setPage} />
        </>
      )}
    </div>
  );
}

function Lines({
  logs,
  lines,
}: {
  readonly logs: LogsView;
  readonly lines: readonly LogLine[];
}): ReactElement {
  const { t } = useWords();
  const { searchingMs, filter } = logs;
  const nothing = t(filter === 'program' ? 'mnt.log.noWarning' : 'mnt.log.nothing');
  return (
    <div className={`${ui['panel']} ${css['logPanel']}`}>
      <ol className={css['log']}>
        {lines.map((line, at) => (
          <Line key={at} line={line} />
        ))}
      </ol>
      {searchingMs !== null ? (
        <p className={css['dayNote']} role="status">
          {t('mnt.log.searching', { time: formatStamp(searchingMs) })}
        </p>
      ) : (
        lines.length === 0 && <p className={css['dayNote']}>{nothing}</p>
      )}
    </div>
  );
}

function Line({ line }: { readonly line: LogLine }): ReactElement {
  const { pick } = useWords();
  const words = (
    <>
      <time>{formatStamp(line.atMs, true)}</time>
      <span>{pick(line.text)}</span>
    </>
  );
  const tone = line.tone === 'none' ? '' : css[`log-${line.tone}`];
  return (
    <li className={tone}>
      {line.orderId === null ? (
        <div className={css['logLine']}>{words}</div>
      ) : (
        <IntentButton
          className={css['logLine']}
          does={{ type: 'maintenance-order', value: line.orderId }}
        >
          {words}
        </IntentButton>
      )}
    </li>
  );
}

function Ways({
  logs,
  shown,
  back,
  onGo,
  onPage,
}: {
  readonly logs: LogsView;
  readonly shown: ReturnType<typeof pageOf<LogLine>>;
  readonly back: readonly string[];
  readonly onGo: (filter: LogFilter, from: string, came: readonly string[], at?: number) => void;
  readonly onPage: (page: number) => void;
}): ReactElement {
  const { t } = useWords();
  const { filter, from, older } = logs;
  const { items, page, pages } = shown;
  const oldest = items.at(-1);
  const isEnd = page === pages - 1;
  const way = (name: string, disabled: boolean, go: () => void, words: string): ReactElement => (
    <button
      type="button"
      className={css['do']}
      data-local={`log-${name}`}
      disabled={disabled}
      onClick={go}
    >
      {words}
    </button>
  );
  return (
    <div className={css['logWays']}>
      {way('newest', from === '' && page === 0, () => onGo(filter, '', []), t('mnt.log.newest'))}
      {way(
        'newer',
        page === 0 && back.length === 0,
        () =>
          page > 0
            ? onPage(page - 1)
            : onGo(filter, back.at(-1) ?? '', back.slice(0, -1), Number.MAX_SAFE_INTEGER),
        t('mnt.log.newer'),
      )}
      {way(
        'older',
        isEnd && older === null,
        () => (isEnd ? onGo(filter, older ?? '', [...back, from]) : onPage(page + 1)),
        t('mnt.log.older'),
      )}
      {filter !== 'program' &&
        way(
          'day-before',
          oldest === undefined,
          () => onGo(filter, chinaDate((oldest?.atMs ?? 0) - DAY_MS), [...back, from]),
          t('mnt.log.dayBefore'),
        )}
    </div>
  );
}
