import { Component } from 'react';
import type { ReactElement, ReactNode } from 'react';
import { CATALOGUES } from '../i18n/index.ts';
import { store } from '../state/store.ts';
import { Mark } from './art.tsx';
import css from './ui.module.css';

/** How long the recovering screen stands before the page is loaded anew; reloading loses nothing. */
const RELOAD_MS = 2_000;

/** A plain screen over everything: says what is going on and takes every touch. */
export function Veil({ starting = false }: { readonly starting?: boolean }): ReactElement {
  const texts = CATALOGUES[store.getState().snapshot?.locale ?? 'zh-CN'];
  return (
    <div className={css['veil']} role="alert" data-veil={starting ? 'starting' : 'recovering'}>
      <Mark />
      <h1>{texts[starting ? 'veil.starting.title' : 'veil.title']}</h1>
      <p>{texts[starting ? 'veil.starting.lead' : 'veil.lead']}</p>
    </div>
  );
}

/** When drawing fails the customer sees words, and the page is loaded anew. */
export class Boundary extends Component<
  { readonly children: ReactNode },
  { readonly failed: boolean }
> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(): void {
    setTimeout(() => location.reload(), RELOAD_MS);
  }

  override render(): ReactNode {
    return this.state.failed ? <Veil /> : this.props.children;
  }
}
