import { defineConfig } from 'vite';

/** The officers' console as files with digests in their names, beside the built server. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../../dist/console/app',
    emptyOutDir: true,
    // The preloading helper would write a script into the page, which the policy of the page forbids.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    target: 'es2022',
    reportCompressedSize: false,
  },
  logLevel: 'warn',
});
