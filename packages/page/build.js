/** Builds the page into dist/web. A script of its own, so that no part of the build needs a shell. */
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const OUT = fileURLToPath(new URL('dist/web', import.meta.url))
const COMMON = { configFile: false, logLevel: 'warn', base: '/' }

await build({
  ...COMMON,
  root: fileURLToPath(new URL('src/web', import.meta.url)),
  worker: { format: 'es' },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    manifest: 'manifest-of-files.json',
    target: 'es2023',
    // Chromium does not use what was preloaded for a service worker's page, and complains.
    modulePreload: false,
    // Everything from a file of its own: the page's policy takes no inline parts.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // The library loads ncryptsec late; the screen that shows it has it at once.
    rolldownOptions: { checks: { ineffectiveDynamicImport: false } },
  },
})

// The service worker knows the files of its build, so it is built after them.
await build({
  ...COMMON,
  root: fileURLToPath(new URL('src/service-worker', import.meta.url)),
  define: { BUILD: JSON.stringify(describeBuild()) },
  build: {
    outDir: OUT,
    emptyOutDir: false,
    target: 'es2023',
    reportCompressedSize: false,
    rolldownOptions: {
      input: fileURLToPath(new URL('src/service-worker/service-worker.ts', import.meta.url)),
      output: { entryFileNames: '[name].js' },
    },
  },
})

function describeBuild() {
  const names = readdirSync(OUT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(OUT.length).replaceAll('\\', '/'))
    .sort()
  const digest = createHash('sha256')
  for (const name of names) digest.update(name).update(readFileSync(join(OUT, name)))
  const files = names.filter((name) => /^\/(?:assets\/|icon\.svg$|app\.webmanifest$)/.test(name))
  return { release: digest.digest('hex').slice(0, 16), files }
}
