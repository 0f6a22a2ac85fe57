import { layoutRegistry, pl4428Layout, pl4442Layout, plCpuLayout, plM1Layout } from '../../card/index.ts';
import type { KeyProvider, LayoutRegistry } from '../../card/index.ts';

/** Every layout of the kiosk: those first that an ATR names, since PL-CPU asks any other card for its application. */
export function cardLayouts(keys: KeyProvider): LayoutRegistry {
  return layoutRegistry([pl4442Layout(keys), pl4428Layout(keys), plM1Layout(keys), plCpuLayout(keys)]);
}
