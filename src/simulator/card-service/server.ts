import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '../../shared/ports.ts';
import type { Clock } from '../../shared/ports.ts';
import { reply } from '../json-server.ts';
import type { BoxCard } from './box-card.ts';

/**
 * What such services say, by the number that the makers' libraries return (a table that counters of
 * gas companies share): −2, −4, −10, −11, −16.
 */
const SAID = {
  busy: '端口初始化失败',
  noCard: '无卡',
  notWritten: '写卡失败',
  notWhole: '备份气量不正确',
  anotherCard: '用户卡号（地区代码）与卡内的值不匹配',
} as const;

/** WriteGasCard's path: factory, kmm, kh, dqdm, ql, csql, ccsql, cs, and eleven more. */
const WRITE_PARTS = 18;
const [FACTORY, CARD_NO, GAS, TIMES] = [0, 2, 4, 7] as const;

/**
 * The card service of a gas company's counter: makers' libraries behind JSON over HTTP, as the
 * public sources of such a service have it (ReadCard; WriteGasCard with its arguments in the path).
 * It has the reader to itself, does one thing at a time, and says of the card what its maker's
 * library says: number, quantity, count. Members that it has nothing for are null, or 0.
 */
export class CardService {
  #server: Server | null = null;
  #card: BoxCard | null = null;
  #working = false;
  /** Requests so far that touched the card. */
  requests = 0;
  #tear: { left: number; readonly when: 'before' | 'after' } | null = null;
  /** Each request takes so long, ms: the library reads the whole card each time. */
  delayMs = 30;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  insert(card: BoxCard): void {
    this.#card = card;
  }
  remove(): void {
    this.#card = null;
  }
  card(): BoxCard | null {
    return this.#card;
  }
  /** The card leaves before or after the n-th request from now on; null: it stays. */
  tear(at: number | null, when: 'before' | 'after' = 'before'): void {
    this.#tear = at === null ? null : { left: at, when };
  }

  start(port = 0): Promise<number> {
    return new Promise((resolve) => {
      const server = createServer((request, response) => {
        request.resume();
        request.on(
          'end',
          () =>
            void this.#serve(request.url ?? '').then((body) =>
              reply(response, body === null ? 404 : 200, body),
            ),
        );
      });
      this.#server = server;
      server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server?.closeAllConnections();
      if (this.#server === null) resolve();
      else this.#server.close(() => resolve());
    });
  }

  async #serve(url: string): Promise<unknown> {
    const parts = url.split('/').slice(1).map(decodeURIComponent);
    const [verb, ...rest] = parts;
    if (verb !== 'ReadCard' && verb !== 'WriteGasCard') return null;
    if (verb === 'WriteGasCard' && rest.length !== WRITE_PARTS) return null;
    // Two at once find the port taken.
    if (this.#working) return empty(verb, SAID.busy);
    this.#working = true;
    try {
      await sleep(this.#clock, this.delayMs);
      this.requests++;
      const now = this.#now();
      if (now === 'before') this.remove();
      const answer = verb === 'ReadCard' ? this.#read() : this.#write(rest);
      if (now !== 'after') return answer;
      this.remove();
      return empty(verb, verb === 'ReadCard' ? SAID.noCard : SAID.notWritten);
    } finally {
      this.#working = false;
    }
  }

  #now(): 'before' | 'after' | null {
    if (this.#tear === null || --this.#tear.left > 0) return null;
    const { when } = this.#tear;
    this.#tear = null;
    return when;
  }

  #read(): unknown {
    const card = this.#card;
    if (card === null) return empty('ReadCard', SAID.noCard);
    if (!card.whole) return empty('ReadCard', SAID.notWhole);
    return {
      ...empty('ReadCard', null),
      Factory: card.factory,
      CardID: card.cardNo,
      Gas: card.gas,
      Times: card.times,
      Yhh: card.userNo,
    };
  }

  #write(parts: readonly string[]): unknown {
    const card = this.#card;
    if (card === null) return empty('WriteGasCard', SAID.noCard);
    if (parts[CARD_NO] !== card.cardNo || parts[FACTORY] !== card.factory)
      return empty('WriteGasCard', SAID.anotherCard);
    const whole = card.buy(Number(parts[GAS]), Number(parts[TIMES]));
    if (whole) return { ...empty('WriteGasCard', null), Kmm: parts[1] };
    this.remove();
    return empty('WriteGasCard', SAID.notWritten);
  }
}

function empty(verb: 'ReadCard' | 'WriteGasCard', err: string | null): object {
  return verb === 'WriteGasCard'
    ? { Err: err, Exception: null, Kmm: null }
    : {
        Err: err,
        Exception: null,
        Factory: null,
        CardID: null,
        Gas: 0,
        Money: 0,
        Times: 0,
        RenewTimes: 0,
        Yhh: null,
        Meterid: null,
      };
}
