import type { Snapshot } from '../../shared/contract/index.ts';
import type { ReduceContext } from '../state/context.ts';
import type { KioskEvent, KioskState, Step } from '../state/kiosk.ts';
import type { Now } from '../state/order.ts';
import type { Session, SessionAt } from '../state/visit.ts';
import type { Settled } from './step.ts';
import type { Base, ViewContext } from './view-base.ts';

/**
 * What the visit wants of the hardware now. The gate and the scanner follow this, and never the
 * screen that happens to be shown.
 */
export interface Needs {
  /**
   * `in`: the card that is in stays. `out`: it is given back, and another may come. `shut`: it is
   * given back, and none may come in.
   */
  readonly card: 'in' | 'out' | 'shut';
  /** A payment code that is held before the scanner would be taken. */
  readonly scanner: boolean;
  /** A paper is coming out, or waits to be taken. */
  readonly printer?: true;
}

/** The events that a visit may answer. Orders and maintenance have others of their own. */
export type VisitEvent = Exclude<
  KioskEvent,
  {
    type:
      | 'called'
      | 'written'
      | 'captured'
      | 'headphones'
      | 'speaker-level'
      | 'device-changed'
      | 'keep'
      | 'claimed'
      | 'command'
      | 'posted'
      | 'heard'
      | 'service'
      | 'maintenance'
      | 'tick';
  }
>;

/** A visit's conduct at one of its stages. All functions are pure. */
export interface Stage<S extends Session> {
  /**
   * What an event or a tap does to the visit at this stage. Null: nothing special, and what holds
   * for all visits (visit.ts) is done: a new card begins a new visit, a card that is gone ends one,
   * anything else is ignored.
   */
  readonly on: (
    state: KioskState,
    session: S,
    event: VisitEvent,
    ctx: ReduceContext,
  ) => Step | null;
  /**
   * The end of something that this stage began and that outlives it: asked whatever stage the visit
   * is at when it comes, after {@link on}. Null: the event is no such end.
   */
  readonly outcome?: (state: KioskState, event: VisitEvent, ctx: ReduceContext) => Step | null;
  /** What time, and the rows of the orders, do to the visit at this stage. */
  readonly settle: (state: KioskState, session: S, now: Now) => Settled;
  /** It ends when a paid order begins to write its card by itself: the customer watches that. */
  readonly givesWay: boolean;
  /** The whole screen as data. */
  readonly view: (state: KioskState, session: S, base: Base, ctx: ViewContext) => Snapshot;
  /** What hardware is wanted at this stage. */
  readonly needs: (state: KioskState, session: S) => Needs;
}

/** A service: its stages, each of which belongs to it alone. */
export type Service<A extends Session['at']> = { readonly [K in A]: Stage<SessionAt<K>> };

/** Most stages either keep the card or give it back. */
export const KEEP_CARD: Needs = { card: 'in', scanner: false };
export const GIVE_CARD_BACK: Needs = { card: 'out', scanner: false };
