import { bytesOf, hexOf, numberHex } from './codec.ts';
import { desBlock, tripleDesBlock } from './des.ts';

/** What a purse keeps without power, as JSON. Byte strings are hex. */
export interface PurseState {
  /** Fen. */
  readonly balance: number;
  /** Loads so far; rises with each. */
  readonly onlineSeq: number;
  /** Debits so far. */
  readonly offlineSeq: number;
  /** Three bytes; null: this card asks for none. */
  readonly pin: string | null;
  readonly pinTries: number;
  readonly loadKey: string;
  readonly tacKey: string;
  /** The newest first, 23 bytes each; at most {@link LOG_RECORDS}. */
  readonly log: readonly string[];
  /** The last load's number, MAC2 and TAC. */
  readonly proof: { readonly seq: number; readonly mac2: string; readonly tac: string } | null;
  /** Cards that lack a command or a file: no 80 5A, no SFI 18, no VERIFY without data. */
  readonly lacks?: readonly ('prove' | 'log' | 'ask-tries')[];
}

export const PIN_TRIES = 3;
export const LOG_RECORDS = 10;
const MAX_AMOUNT = 0xffff_ffff;
/** Online sequence number at which a purse loads no more. */
const LAST_SEQ = 0xffff;

/** A refusal: status word, no data. */
export class Refused {
  readonly sw: number;
  constructor(sw: number) {
    this.sw = sw;
  }
}

/** Single-DES CBC MAC, start value 0, padding 80…; first 4 bytes in hex. */
function mac4(key: Uint8Array, hex: string): string {
  const message = [...bytesOf(hex), 0x80];
  while (message.length % 8 !== 0) message.push(0);
  let chain: Uint8Array = new Uint8Array(8);
  for (let at = 0; at < message.length; at += 8)
    chain = desBlock(
      key,
      Uint8Array.from(chain, (b, i) => b ^ (message[at + i] as number)),
    );
  return hexOf(chain.subarray(0, 4));
}

interface Begun {
  readonly amount: number;
  readonly terminal: string;
  readonly session: Uint8Array;
}

/**
 * The electronic purse of a PBOC card: PIN, load, proof, log. Balance, number, log and proof change
 * in one step.
 */
export class CardPurse {
  #state: PurseState;
  readonly #onChange: () => void;
  // Lost with power:
  #verified = false;
  #begun: Begun | null = null;

  constructor(state: PurseState, onChange: () => void) {
    this.#state = state;
    this.#onChange = onChange;
  }

  get state(): PurseState {
    return this.#state;
  }
  #keep(change: Partial<PurseState>): void {
    this.#state = { ...this.#state, ...change };
    this.#onChange();
  }

  forget(): void {
    this.#verified = false;
    this.#begun = null;
  }
  /** Any command between INITIALIZE and CREDIT ends the load; fetching the answer does not. */
  endLoad(): void {
    this.#begun = null;
  }

  verify(data: Uint8Array | null): Uint8Array {
    const { pin, pinTries } = this.#state;
    if (pin === null) throw new Refused(0x6a88);
    if (data === null) {
      if (this.#state.lacks?.includes('ask-tries') === true) throw new Refused(0x6700);
      if (this.#verified) return new Uint8Array(0);
      throw new Refused(pinTries === 0 ? 0x6983 : 0x63c0 | pinTries);
    }
    if (pinTries === 0) throw new Refused(0x6983);
    if (hexOf(data) !== pin) {
      this.#verified = false;
      this.#keep({ pinTries: pinTries - 1 });
      throw new Refused(0x63c0 | (pinTries - 1));
    }
    if (pinTries !== PIN_TRIES) this.#keep({ pinTries: PIN_TRIES });
    this.#verified = true;
    return new Uint8Array(0);
  }

  /** INITIALIZE FOR LOAD: key index, amount, terminal. */
  initialize(data: Uint8Array, random: Uint8Array): Uint8Array {
    const { balance, onlineSeq, pin, loadKey } = this.#state;
    if (data.length !== 11) throw new Refused(0x6700);
    if (pin !== null && !this.#verified) throw new Refused(0x6982);
    if (data[0] !== 0x01) throw new Refused(0x9403);
    if (onlineSeq >= LAST_SEQ) throw new Refused(0x9402);
    const amount = Number.parseInt(hexOf(data.subarray(1, 5)), 16);
    const terminal = hexOf(data.subarray(5));
    if (amount === 0 || balance + amount > MAX_AMOUNT) throw new Refused(0x6a80);
    const session = tripleDesBlock(
      bytesOf(loadKey),
      bytesOf(`${hexOf(random)}${numberHex(onlineSeq, 2)}8000`),
    );
    this.#begun = { amount, terminal, session };
    const mac1 = mac4(session, `${numberHex(balance, 4)}${numberHex(amount, 4)}02${terminal}`);
    return bytesOf(`${numberHex(balance, 4)}${numberHex(onlineSeq, 2)}0100${hexOf(random)}${mac1}`);
  }

  /**
   * CREDIT FOR LOAD: date, time, MAC2.
   *
   * @param lie answers well and stores nothing
   */
  credit(data: Uint8Array, lie: boolean): Uint8Array {
    const begun = this.#begun;
    this.#begun = null;
    if (data.length !== 11) throw new Refused(0x6700);
    if (begun === null) throw new Refused(0x6985);
    const when = hexOf(data.subarray(0, 7));
    const mac2 = hexOf(data.subarray(7));
    const terms = `${numberHex(begun.amount, 4)}02${begun.terminal}${when}`;
    if (mac4(begun.session, terms) !== mac2) throw new Refused(0x9302);
    const { balance, onlineSeq, tacKey, log } = this.#state;
    const key = bytesOf(tacKey);
    const tac = mac4(
      key.subarray(0, 8).map((b, i) => b ^ (key[8 + i] as number)),
      `${numberHex(balance + begun.amount, 4)}${numberHex(onlineSeq, 2)}${terms}`,
    );
    if (!lie) {
      const record = `${numberHex(onlineSeq, 2)}000000${terms}`;
      this.#keep({
        balance: balance + begun.amount,
        onlineSeq: onlineSeq + 1,
        log: [record, ...log].slice(0, LOG_RECORDS),
        proof: { seq: onlineSeq, mac2, tac },
      });
    }
    return bytesOf(tac);
  }

  balance(): Uint8Array {
    return bytesOf(numberHex(this.#state.balance, 4));
  }

  /** GET TRANSACTION PROVE: type and number of a transaction. The card remembers the last load. */
  prove(type: number, data: Uint8Array): Uint8Array {
    const { proof, lacks } = this.#state;
    if (lacks?.includes('prove') === true) throw new Refused(0x6d00);
    if (data.length !== 2) throw new Refused(0x6700);
    if (type !== 0x02 || proof === null || proof.seq !== Number.parseInt(hexOf(data), 16))
      throw new Refused(0x9406);
    return bytesOf(proof.mac2 + proof.tac);
  }

  record(n: number): Uint8Array {
    if (this.#state.lacks?.includes('log') === true) throw new Refused(0x6a82);
    const record = n === 0 ? undefined : this.#state.log[n - 1];
    if (record === undefined) throw new Refused(0x6a83);
    return bytesOf(record);
  }

  /**
   * A terminal takes money off, as a meter does at its visit (80 50 01, 80 54): what it had, it
   * keeps in its own log.
   *
   * @param when `YYYYMMDDhhmmss`
   */
  debit(amount: number, terminal: string, when: string): void {
    const { balance, offlineSeq, log } = this.#state;
    if (amount > balance) throw new Refused(0x9401);
    const record = `${numberHex(offlineSeq, 2)}000000${numberHex(amount, 4)}06${terminal}${when}`;
    this.#keep({
      balance: balance - amount,
      offlineSeq: offlineSeq + 1,
      log: [record, ...log].slice(0, LOG_RECORDS),
    });
  }
}
