/** Builds the page into dist/web. A script of its own, so that no part of the build needs a shell. */
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

await build({
  root: fileURLToPath(new URL('src/web', import.meta.url)),
  configFile: false,
  logLevel: 'warn',
  base: '/',
  worker: { format: 'es' },
  build: {
    outDir: fileURLToPath(new URL('dist/web', import.meta.url)),
    emptyOutDir: true,
    manifest: 'manifest-of-files.json',
    target: 'es2023',
    modulePreload: { polyfill: false },
    // Everything from a file of its own: the page's policy takes no inline parts.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // The library loads ncryptsec late; the screen that shows it has it at once.
    rolldownOptions: { checks: { ineffectiveDynamicImport: false } },
  },
})
