import path from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * The design's panel is 1080×1920 or 1280×1024; styles are written in its pixels and built as rem,
 * so that one factor fits every panel.
 */
const DESIGN_PX_PER_REM = 16;

/** Postcss plugin: `48px` → `3rem` in declarations. */
const pxToRem = {
  postcssPlugin: 'design-px',
  Declaration(declaration: { value: string }): void {
    if (!declaration.value.includes('px')) return;
    const value = declaration.value.replace(
      /(-?\d*\.?\d+)px\b/g,
      (_, n: string) => `${Number(n) / DESIGN_PX_PER_REM}rem`,
    );
    if (value !== declaration.value) declaration.value = value;
  },
};

/**
 * The page asks schemas whether something is one, and no more: zod's writers of JSON schemas and
 * its English sentences (9 kB of what is sent) are built as functions that do nothing.
 */
const zodAsks = {
  name: 'zod-asks',
  transform(code: string, id: string): string | null {
    if (/zod\/v4\/locales\/en\.js$/.test(id))
      return 'export default () => ({ localeError: () => undefined });';
    if (!/zod\/v4\/core\/(?:json-schema-processors|to-json-schema)\.js$/.test(id)) return null;
    const names = [...code.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name);
    return names.map((name) => `export const ${name} = () => undefined;`).join('\n');
  },
};

export default defineConfig({
  root: new URL('src/renderer', import.meta.url).pathname,
  base: '/',
  publicDir: false,
  plugins: [zodAsks, react()],
  css: {
    postcss: { plugins: [pxToRem] },
    // `ui_btn`: no two files have one name, and a hash of each would be 3 kB of what is sent.
    modules: {
      generateScopedName: (name, file) => `${path.basename(file, '.module.css')}_${name}`,
    },
  },
  build: {
    outDir: new URL('dist/renderer', import.meta.url).pathname,
    emptyOutDir: true,
    target: 'chrome114',
    cssTarget: 'chrome114',
    // Nothing inline: the Content-Security-Policy has no exception for it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
