import type { ReactElement } from 'react';
import type { MaintenanceTab } from '../../../shared/contract/index.ts';
import { Daybook } from './daybook.tsx';
import { Devices } from './devices.tsx';
import { Logs } from './logs.tsx';
import { Orders } from './orders.tsx';
import type { TabProps } from './parts.tsx';
import { Sync } from './sync.tsx';
import { System } from './system.tsx';

/**
 * What each tab draws: one file and one row here for each (and one in
 * `kiosk/maintenance/roles.ts`).
 */
export const TABS: Readonly<Record<MaintenanceTab, (props: TabProps) => ReactElement>> = {
  devices: Devices,
  orders: Orders,
  daybook: Daybook,
  sync: Sync,
  logs: Logs,
  system: System,
};
