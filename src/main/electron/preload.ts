import { contextBridge, ipcRenderer } from 'electron';
import type { IpcRendererEvent } from 'electron';
import type { Intent, Painted } from '../../shared/contract/index.ts';
import { CHANNELS } from './channels.ts';

// Three narrow verbs and nothing of Electron's own: the page gets no event object, no channel name
// and no `ipcRenderer`.
contextBridge.exposeInMainWorld('pilotlight', {
  onSnapshot(callback: (snapshot: unknown) => void): () => void {
    const listener = (_event: IpcRendererEvent, snapshot: unknown): void => callback(snapshot);
    ipcRenderer.on(CHANNELS.snapshot, listener);
    ipcRenderer.send(CHANNELS.ready);
    return () => {
      ipcRenderer.removeListener(CHANNELS.snapshot, listener);
    };
  },
  send(intent: Intent): void {
    ipcRenderer.send(CHANNELS.intent, intent);
  },
  painted(beat: Painted): void {
    ipcRenderer.send(CHANNELS.painted, beat);
  },
});
