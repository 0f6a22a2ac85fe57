export type Callback<T> = (error: Error | null | undefined, value: T) => void;

/** What this driver uses of the npm package `pcsclite` 1.0.1. */
export interface NativeReader {
  readonly name: string;
  readonly connected: boolean;
  readonly SCARD_RESET_CARD: number;
  readonly SCARD_LEAVE_CARD: number;
  readonly SCARD_SHARE_EXCLUSIVE: number;
  readonly SCARD_PROTOCOL_T0: number;
  readonly SCARD_PROTOCOL_T1: number;
  on(event: 'status', listener: (status: { readonly state: number; readonly atr?: Uint8Array }) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  connect(options: { share_mode: number; protocol: number }, done: Callback<number>): void;
  disconnect(disposition: number, done: (error?: Error | null) => void): void;
  transmit(data: Uint8Array, answerLength: number, protocol: number, done: Callback<Uint8Array>): void;
  close(): void;
}
export interface NativeContext {
  on(event: 'reader', listener: (reader: NativeReader) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): void;
}
/** The package's one export: builds a context with its monitor thread; throws when the service is away. */
export type PcscModule = () => NativeContext;
