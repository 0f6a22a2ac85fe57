import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Journal } from '../../journal/journal.ts';
import { verifyJournal } from '../../journal/verify.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import type { LoadedConfig } from '../config.ts';
import { as, found } from './finding.ts';
import type { Finding } from './finding.ts';

/** The journal's files, beside a running core or without one. */
export function checkJournal(loaded: LoadedConfig): Finding[] {
  const dataDir = loaded.path(loaded.config.dataDir);
  const findings = [corePresence(dataDir)];
  const file = Journal.file(dataDir);
  if (!existsSync(file))
    return [
      ...findings,
      found(
        'WARN',
        'journal',
        { zh: `${file} 还不存在`, en: `${file} does not exist yet` },
        {
          zh: '第一次启动时会建；如果本机已经售过，先停机，查清它去哪了',
          en: 'it is made at the first start; on a kiosk that has already sold, stop and find out where it went',
        },
      ),
    ];
  const report = verifyJournal(dataDir, loaded.path(loaded.config.secondPath));
  if (report.terminalId !== null && report.terminalId !== loaded.config.terminalId)
    findings.push(
      found(
        'FAIL',
        'journal',
        {
          zh: `账本属于终端 ${report.terminalId}`,
          en: `the journal belongs to terminal ${report.terminalId}`,
        },
        {
          zh: '让 dataDir 指向本终端自己的账本',
          en: 'point dataDir at this terminal’s own journal',
        },
        'JRNL-0101',
      ),
    );
  const { events, orders, unsent, problems, ok } = report;
  if (ok)
    findings.push(
      found('OK', 'journal', {
        zh: `${events} 条记录，${orders} 笔订单，${unsent} 条中心还没有确认；链、行和第二份日志一致`,
        en: `${events} events, ${orders} orders, ${unsent} not yet acknowledged by central; chain, rows and second log agree`,
      }),
    );
  else findings.push(...problems.map(problemFound));
  return findings;
}

function problemFound(problem: string): Finding {
  return found(
    'FAIL',
    'journal',
    as(problem),
    {
      zh: '停机，把 dataDir 和 secondPath 复制保存，与中心核对；不要手工修补',
      en: 'stop the kiosk, keep a copy of dataDir and secondPath, compare with central; do not repair by hand',
    },
    journalCode(problem),
  );
}

function journalCode(problem: string): ErrorCode {
  if (problem.startsWith('cannot be')) return 'JRNL-0101';
  return problem === 'the schema was altered' ? 'JRNL-0102' : 'JRNL-0103';
}

/**
 * By the number that the core leaves behind; its lock is not touched, so that a starting core never
 * meets ours.
 */
export function isCoreRunning(dataDir: string): { readonly pid: number | null } | null {
  try {
    const pid = Number(readFileSync(join(dataDir, 'core.pid'), 'utf8'));
    process.kill(pid, 0);
    return { pid };
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM' ? { pid: null } : null;
  }
}

function corePresence(dataDir: string): Finding {
  const running = isCoreRunning(dataDir);
  if (running === null) return found('OK', 'core', { zh: '没有运行', en: 'not running' });
  return found(
    'OK',
    'core',
    running.pid === null
      ? { zh: '在运行，是另一个用户的', en: 'running, as another user' }
      : { zh: `在运行（进程 ${running.pid}）`, en: `running (process ${running.pid})` },
  );
}
