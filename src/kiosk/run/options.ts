import type { PayeeId } from '../../shared/sale.ts';
import type { BillingClient } from '../../billing/types.ts';
import type { CardReader, LayoutRegistry } from '../../card/index.ts';
import type { DeviceRegistry } from '../../device/device.ts';
import type { Signals } from '../../device/lamps/types.ts';
import type { Printer } from '../../device/printer/types.ts';
import type { Journal } from '../../journal/journal.ts';
import type { PaymentProvider } from '../../payment/types.ts';
import type { Header, Snapshot } from '../../shared/contract/index.ts';
import type { Clock, LogFn, Random } from '../../shared/ports.ts';
import type { MaintenancePorts } from '../maintenance/run.ts';
import type { KioskEvent, KioskState } from '../state/kiosk.ts';
import type { OpenOrder } from '../state/order.ts';
import type { Needs } from '../visit/service.ts';

/** What a kiosk stands on, and whom it tells. */
export interface KioskOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly reader: CardReader;
  readonly layouts: LayoutRegistry;
  readonly providers: readonly PaymentProvider[];
  /** Whose money the machine's own wallets collect; left out: the house's only. */
  readonly collectsFor?: readonly PayeeId[];
  readonly billing: BillingClient;
  readonly printer: Printer;
  /** The machine's devices, for staff and the service level. */
  readonly devices: DeviceRegistry;
  readonly header: Omit<Header, 'hotline'>;
  readonly demo: boolean;
  /** Shown until central's policy is known. */
  readonly fallbackHotline: string;
  readonly log: LogFn;
  readonly onSnapshot: (snapshot: Snapshot) => void;
  /** What hardware is wanted, after every change. Left out: there is none that would follow. */
  readonly onNeeds?: (needs: Needs) => void;
  /** What the lamps show, after every change. Left out: there are none. */
  readonly onSignals?: (signals: Signals) => void;
  /** New facts are in the outbox. */
  readonly onJournaled: () => void;
  /** Central has something to tell about an order: worth asking before the next regular time. */
  readonly onCommandsWanted: () => void;
  /**
   * Central does not know an order though it acknowledged all of it: it goes on from a standby or a
   * backup. Worth saying where the journal stands now, so that it asks for what it lacks.
   */
  readonly onForgotten: () => void;
  /** The token of an order's receipt page, by the terminal's own key; left out: none is shown. */
  readonly receiptToken?: (orderId: string) => string;
  /** Left out: this kiosk has no maintenance mode. */
  readonly maintenance?: MaintenancePorts;
}

/** The kiosk as the runners of its effects see it. */
export interface Host {
  readonly options: KioskOptions;
  readonly state: () => KioskState;
  readonly dispatch: (event: KioskEvent) => void;
  /** An order as the journal has it, with what this process knows of it. */
  readonly load: (orderId: string) => OpenOrder;
}
