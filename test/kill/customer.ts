import { WebSocket } from 'ws';
import type { Intent, Snapshot, SnapshotOf } from '../../src/shared/contract/index.ts';
import type { Hall } from '../support/hall.ts';
import { until } from '../support/hall.ts';
import { states } from './books.ts';

/**
 * The page's end of the browser shell, without a browser: it draws nothing and taps by the
 * contract.
 */
export class Customer {
  readonly hall: Hall;
  snapshot: Snapshot | null = null;
  /** Called with every snapshot as it comes. */
  onSnapshot: (snapshot: Snapshot) => void = () => undefined;
  readonly #socket: WebSocket;

  private constructor(hall: Hall, socket: WebSocket) {
    this.hall = hall;
    this.#socket = socket;
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as { type: string; snapshot?: Snapshot };
      if (message.snapshot === undefined) return;
      this.snapshot = message.snapshot;
      this.onSnapshot(message.snapshot);
    });
  }

  static async at(hall: Hall): Promise<Customer> {
    const opened = await fetch(hall.url, { redirect: 'manual' });
    const cookie = (opened.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const { host, origin } = new URL(hall.url);
    const socket = new WebSocket(`ws://${host}/ws`, { headers: { cookie, origin } });
    // Listens before the line is open: the first snapshot may come in the same packet.
    const customer = new Customer(hall, socket);
    await new Promise((done, failed) => {
      socket.once('open', done);
      socket.once('error', failed);
    });
    return customer;
  }
  leave(): void {
    this.#socket.terminate();
  }

  on<S extends Snapshot['screen']>(
    screen: S,
    more: (s: SnapshotOf<S>) => boolean = () => true,
    timeoutMs = 30_000,
  ): Promise<SnapshotOf<S>> {
    return until(
      `screen ${screen}`,
      () =>
        this.snapshot?.screen === screen && more(this.snapshot as SnapshotOf<S>)
          ? (this.snapshot as SnapshotOf<S>)
          : null,
      timeoutMs,
    ).catch((error: unknown) => {
      throw new Error(
        `${String(error)}; shown: ${JSON.stringify(this.snapshot)}; rows: ${JSON.stringify(states(this.hall))}`,
      );
    });
  }
  tap(type: Intent['type'], value?: number | string): void {
    const s = this.snapshot as Snapshot;
    this.#socket.send(
      JSON.stringify({
        type: 'intent',
        intent: {
          type,
          screen: s.screen,
          revision: s.revision,
          ...(value === undefined ? {} : { value }),
        },
      }),
    );
  }

  /**
   * Taps as a person does: again, where the screen still asks. A tap is dropped by design where the
   * view changed under the finger, and on a busy machine it may. Over when the line is cut, too.
   */
  async insist(
    type: Intent['type'],
    asks: (s: Snapshot) => boolean,
    value?: number | string,
  ): Promise<void> {
    const asked = (): boolean =>
      this.#socket.readyState === WebSocket.OPEN && this.snapshot !== null && asks(this.snapshot);
    for (let tries = 0; tries < 20 && asked(); tries += 1) {
      this.tap(type, value);
      await until('an answer to the tap', () => !asked(), 1_000).catch(() => undefined);
    }
  }
  /**
   * Says yes to the amount that is chosen, and to no slip: a core that has just started may not
   * have heard of its printer yet.
   */
  pay(fen: number): Promise<void> {
    return this.insist('pay', (s) => s.screen === 'amount' || s.screen === 'no-slip', fen);
  }
  /** Gives up the code. */
  cancel(): Promise<void> {
    return this.insist('cancel', (s) => s.screen === 'pay' && s.state === 'waiting');
  }

  /** The start screen, selling, and a card that its meter has seen. */
  async freshVisit(card: string): Promise<void> {
    await this.hall.dock({ do: 'faults', faults: { reset: true } });
    await this.hall.dock({ do: 'remove' });
    // The last visit's screens have a person's patience; whoever comes next taps them away.
    let tappedAt = 0;
    await until(
      'the start screen, selling',
      () => {
        const s = this.snapshot;
        if (s?.screen === 'start') return s.selling;
        if (s !== null && s.screen !== 'out-of-service' && performance.now() - tappedAt > 300) {
          tappedAt = performance.now();
          this.tap('exit');
        }
        return false;
      },
      40_000,
    );
    await this.hall.dock({ do: 'meter', id: card });
  }
  async toAmount(card: string, fen: number): Promise<void> {
    await this.freshVisit(card);
    await this.hall.dock({ do: 'insert', id: card });
    await this.on('amount');
    await this.insist(
      'choose-amount',
      (s) => s.screen === 'amount' && !s.busy && s.quote?.amountFen !== fen,
      fen,
    );
    await this.on('amount', (s) => s.quote?.amountFen === fen && !s.busy);
  }
  /** From the start screen to the code. @returns the code */
  async toPay(card: string, fen: number): Promise<string> {
    await this.toAmount(card, fen);
    await this.pay(fen);
    return (await this.on('pay', (s) => s.state === 'waiting' && s.qrText !== null))
      .qrText as string;
  }
}
