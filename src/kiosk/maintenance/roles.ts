import { MAINTENANCE_ACTIONS, MAINTENANCE_TABS } from '../../shared/contract/index.ts';
import type {
  MaintenanceAction,
  MaintenanceRole,
  MaintenanceTab,
} from '../../shared/contract/index.ts';

/** Who may see which tab and do what: the one table of it. A new tab or act is one row more. */

const ALL: readonly MaintenanceRole[] = ['staff', 'technician', 'auditor'];
/** Whoever works at the machine; the auditor changes nothing. */
const HANDS: readonly MaintenanceRole[] = ['staff', 'technician'];
const TECHNICIAN: readonly MaintenanceRole[] = ['technician'];

const TABS: Readonly<Record<MaintenanceTab, readonly MaintenanceRole[]>> = {
  devices: ALL,
  orders: ALL,
  daybook: ALL,
  sync: ALL,
  logs: ALL,
  system: ALL,
};

const ACTIONS: Readonly<Record<MaintenanceAction, readonly MaintenanceRole[]>> = {
  'self-test': HANDS,
  'empty-bin': HANDS,
  'out-of-service': HANDS,
  'back-in-service': HANDS,
  // Reads, and writes nothing.
  'verify-journal': ['technician', 'auditor'],
  'upload-now': HANDS,
  'accept-damage': TECHNICIAN,
  // Money moves, or is said to have moved.
  'retry-refund': TECHNICIAN,
  'card-lost': TECHNICIAN,
  'settle-refunded-by-hand': TECHNICIAN,
  'settle-delivered-by-hand': TECHNICIAN,
  'settle-nothing-due': TECHNICIAN,
  // Paper.
  'print-story': ALL,
  'print-copy': ALL,
  'print-shift': ALL,
  'close-shift': HANDS,
  export: ['technician', 'auditor'],
  // The program comes back by itself within seconds. A machine that does not come back is a
  // technician's way.
  'restart-core': HANDS,
  'restart-machine': TECHNICIAN,
  'touch-test': HANDS,
  volume: HANDS,
  brightness: HANDS,
  'print-readiness': ALL,
  'show-readiness': ALL,
};

/** May he do it? */
export const mayDo = (role: MaintenanceRole, action: MaintenanceAction): boolean =>
  ACTIONS[action].includes(role);
/** May he look there? */
export const maySee = (role: MaintenanceRole, tab: MaintenanceTab): boolean =>
  TABS[tab].includes(role);
/** His tabs, in their order. */
export const tabsOf = (role: MaintenanceRole): MaintenanceTab[] =>
  MAINTENANCE_TABS.filter((tab) => maySee(role, tab));
/** All that he may do. */
export const actionsOf = (role: MaintenanceRole): MaintenanceAction[] =>
  MAINTENANCE_ACTIONS.filter((action) => mayDo(role, action));
