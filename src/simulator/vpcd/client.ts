import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Clock, LogFn } from '../../shared/ports.ts';

/** What sits in the slot: answers to reset and APDUs. */
export interface SlotCard {
  insert(): void;
  remove(): void;
  reset(): Uint8Array | null;
  answerToReset(): Uint8Array | null;
  powerOff(): void;
  process(
    apdu: Uint8Array,
  ):
    | { readonly kind: 'answer'; readonly bytes: Uint8Array }
    | { readonly kind: 'torn' }
    | { readonly kind: 'silent' };
}

/** vpcd's one-byte commands (vsmartcard, "vpcd protocol"). */
const OFF = 0x00;
const ON = 0x01;
const RESET = 0x02;
const ATR = 0x04;
/** While the card is in the slot and nobody listens, how often the slot is tried again. */
const RECONNECT_MS = 200;

export interface SlotOptions {
  readonly host: string;
  /** vpcd's port (35963 in Debian's configuration) or a virtual reader's. */
  readonly port: number;
  readonly clock: Clock;
  readonly log?: LogFn;
  /** The card tore itself out of the slot (an armed fault). */
  readonly onTorn?: () => void;
}

/**
 * A slot of a virtual reader, seen from the card's side. A card that was inserted stays inserted
 * when the reader's process goes away and comes back, as a real one does; only `remove()` or a tear
 * takes it out.
 */
export class CardSlot {
  readonly #options: SlotOptions;
  #card: SlotCard | null = null;
  #socket: Socket | null = null;
  #cancelRetry: () => void = () => undefined;
  /** Each answer comes so much later, ms: a real card takes its time, and may be cut in it. */
  delayMs = 0;
  #held = 0;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** How many answers wait for their time. */
  held(): number {
    return this.#held;
  }

  card(): SlotCard | null {
    return this.#card;
  }

  /** True while a reader is connected to the card. */
  connected(): boolean {
    return this.#socket?.readyState === 'open';
  }

  /** Puts a card in, in place of whatever was there. */
  insert(card: SlotCard): void {
    this.remove();
    this.#card = card;
    card.insert();
    this.#connect(card);
  }

  /** Takes the card out. */
  remove(): void {
    const card = this.#card;
    this.#card = null;
    this.#cancelRetry();
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
    card?.remove();
  }

  #connect(card: SlotCard): void {
    const socket = connect({ host: this.#options.host, port: this.#options.port, noDelay: true });
    this.#socket = socket;
    let buffer: Uint8Array = new Uint8Array(0);
    socket.on('data', (chunk: Uint8Array) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 2 && this.#socket === socket) {
        const length = (buffer[0] as number) * 256 + (buffer[1] as number);
        if (buffer.length < 2 + length) return;
        const message = Uint8Array.from(buffer.subarray(2, 2 + length));
        buffer = buffer.subarray(2 + length);
        this.#serve(card, socket, message);
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      card.powerOff();
      this.#cancelRetry = this.#options.clock.after(RECONNECT_MS, () => {
        if (this.#card === card) this.#connect(card);
      });
    });
  }

  #serve(card: SlotCard, socket: Socket, message: Uint8Array): void {
    if (message.length === 1) {
      const code = message[0] as number;
      if (code === OFF) card.powerOff();
      else if (code === ON || code === RESET) card.reset();
      else if (code === ATR) {
        const atr = card.answerToReset();
        this.#send(socket, atr ?? new Uint8Array(0));
      }
      return;
    }
    const outcome = card.process(message);
    switch (outcome.kind) {
      case 'answer':
        this.#send(socket, outcome.bytes);
        return;
      case 'torn':
        this.remove();
        this.#options.onTorn?.();
        return;
      case 'silent':
        this.#options.log?.('debug', 'simulator', 'card is silent');
        return;
    }
  }

  #send(socket: Socket, payload: Uint8Array): void {
    const write = (): void =>
      void socket.write(
        Buffer.concat([Uint8Array.of(payload.length >> 8, payload.length & 0xff), payload]),
      );
    if (this.delayMs === 0) write();
    else {
      this.#held += 1;
      this.#options.clock.after(this.delayMs, () => {
        this.#held -= 1;
        if (this.#socket === socket) write();
      });
    }
  }
}
