import { PLAIN_ACCESS } from '../../shared/contract/index.ts';
import type { SnapshotOf } from '../../shared/contract/index.ts';
import type { TerminalConfig } from '../../shared/config/terminal.ts';
import { cardEntryOf } from '../../shared/config/devices.ts';
import type { ErrorCode } from '../../shared/errors.ts';

/** The screen of a core that serves nobody and holds no journal. */
export function stoppedSnapshot(
  config: TerminalConfig,
  reason: ErrorCode,
  nowMs: number,
): SnapshotOf<'out-of-service'> {
  return {
    screen: 'out-of-service',
    revision: nowMs,
    locale: 'zh-CN',
    access: PLAIN_ACCESS,
    header: {
      brand: config.site.brand,
      site: config.site.name,
      terminalName: config.site.terminalName,
      terminalId: config.terminalId,
      hotline: '',
      panel: config.panel ?? null,
      cardEntry: cardEntryOf(config.readers[0]),
      ...(config.keypad === undefined ? {} : { keypad: config.keypad }),
      ...(config.nearestSites === undefined ? {} : { nearestSites: config.nearestSites }),
    },
    nowMs,
    demo: config.mode === 'demo',
    reason,
    reference: `${reason} · ${config.terminalId.slice(-4)}`,
    nearestSites: config.nearestSites ?? [],
    sinceMs: nowMs,
    held: [],
  };
}
