import type { Intent, Painted } from '../../shared/contract/index.ts';
import { loadAnewWhenBlank, onPainted } from './beat.ts';
import { onIntent, receive, setLink } from './store.ts';

/** What the Electron preload puts on `window`. */
export interface PilotlightBridge {
  /** Calls back with the last snapshot at once and with every later one; returns how to stop. */
  onSnapshot(callback: (snapshot: unknown) => void): () => void;
  send(intent: Intent): void;
  /** A frame was painted. */
  painted?(beat: Painted): void;
}

declare global {
  interface Window {
    readonly pilotlight?: PilotlightBridge;
  }
}

/** The shell sends a heartbeat each 2 s; a line that is silent for longer than this is not trusted. */
const SILENCE_MS = 10_000;
const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 4_000;

/**
 * Joins the view to its core: over the preload's bridge in Electron, else over one WebSocket to
 * where the page came from.
 */
export function connect(): void {
  const bridge = window.pilotlight;
  if (bridge !== undefined) {
    onIntent((intent) => bridge.send(intent));
    onPainted((beat) => bridge.painted?.(beat));
    bridge.onSnapshot(receive);
    return;
  }
  connectSocket();
}

function connectSocket(): void {
  let retryMs = RETRY_FIRST_MS;
  let socket: WebSocket | null = null;
  onIntent((intent) => {
    if (socket?.readyState === WebSocket.OPEN)
      socket.send(JSON.stringify({ type: 'intent', intent }));
  });
  onPainted((beat) => {
    if (socket?.readyState === WebSocket.OPEN)
      socket.send(JSON.stringify({ type: 'painted', ...beat }));
  });
  loadAnewWhenBlank();

  const open = (): void => {
    const mine = new WebSocket(
      `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`,
    );
    socket = mine;
    let silence: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    // Not only on `close`: a line that died without a word would keep an old screen, with old
    // buttons, alive.
    const lose = (): void => {
      if (over) return;
      over = true;
      clearTimeout(silence);
      setLink('lost');
      mine.close();
      setTimeout(open, retryMs);
      retryMs = Math.min(retryMs * 2, RETRY_LAST_MS);
    };
    const heard = (): void => {
      clearTimeout(silence);
      silence = setTimeout(lose, SILENCE_MS);
    };
    heard();
    mine.addEventListener('message', (event) => {
      if (over) return;
      heard();
      const message = parse(event.data);
      if (message?.type === 'snapshot') {
        retryMs = RETRY_FIRST_MS;
        receive(message.snapshot);
      } else if (message?.type === 'reload') location.reload();
      else if (message?.type !== 'heartbeat') setLink('bad');
    });
    mine.addEventListener('close', lose);
    mine.addEventListener('error', lose);
  };
  open();
}

function parse(data: unknown): { type?: unknown; snapshot?: unknown } | null {
  try {
    const value: unknown = JSON.parse(String(data));
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
