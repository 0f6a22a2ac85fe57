import { createStore } from 'zustand/vanilla';
import { useStore } from 'zustand';
import { snapshotSchema } from '../../shared/contract/index.ts';
import type { Intent, Snapshot } from '../../shared/contract/index.ts';

/** starting: nothing came yet · up · lost: the line is down · bad: what came is not a snapshot. */
export type Link = 'starting' | 'up' | 'lost' | 'bad';

/**
 * The renderer's whole state: the last good snapshot, when it came, and whether the line to the
 * core is up.
 */
export interface ViewState {
  readonly snapshot: Snapshot | null;
  /**
   * `performance.now()` when the snapshot came; deadlines are counted from here, not from this
   * machine's wall clock.
   */
  readonly receivedAt: number;
  readonly link: Link;
}

export const store = createStore<ViewState>(() => ({
  snapshot: null,
  receivedAt: 0,
  link: 'starting',
}));

/** Reads one part of the view state in a component. */
export function useView<T>(select: (state: ViewState) => T): T {
  return useStore(store, select);
}

/** Takes one message from the core. What is not a snapshot is never drawn: the veil goes up instead. */
export function receive(raw: unknown): void {
  const parsed = snapshotSchema.safeParse(raw);
  if (parsed.success)
    store.setState({ snapshot: parsed.data, receivedAt: performance.now(), link: 'up' });
  else store.setState({ link: 'bad' });
}

export function setLink(link: Link): void {
  store.setState({ link });
}

type Distribute<T> = T extends Intent ? Omit<T, 'screen' | 'revision'> : never;
/** What a control says: the intent without the screen and revision it was made on. */
export type Act = Distribute<Intent>;

let pressed: Pick<Snapshot, 'screen' | 'revision'> | null = null;

/** What was painted when the finger went down that is tapping now; null: none is. */
export function pressedOn(seen: Pick<Snapshot, 'screen' | 'revision'> | null): void {
  pressed = seen;
}

let deliver: (intent: Intent) => void = () => undefined;

/** Called once by the transport. */
export function onIntent(send: (intent: Intent) => void): void {
  deliver = send;
}

/**
 * Sends what a person did, naming the screen and revision they saw when they began it. Nothing is
 * sent while the veil is up.
 */
export function act(what: Act): void {
  const { snapshot, link } = store.getState();
  if (snapshot === null || link !== 'up') return;
  const { screen, revision } = pressed ?? snapshot;
  deliver({ ...what, screen, revision });
}
