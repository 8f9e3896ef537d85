/** How large an entry is in an app's page: what it loads at once, and each part that it loads when needed. */
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** Bundles and minifies a module's text as an app's build does, split where code is loaded when needed. */
export async function bundle(code) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    outdir: '/',
    write: false,
    metafile: true,
  })
  const contents = new Map(outputFiles.map(({ path, contents: bytes }) => [path.replace(/^\//, ''), bytes]))
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [path.split('/').at(-1), output]),
  )
  return { contents, outputs }
}

/** The gzipped bytes of an output and of all that it imports statically, without those that are there already. */
export function sizeOf({ contents, outputs }, start, there = new Set()) {
  const seen = new Set(there)
  const visit = (name) => {
    if (seen.has(name)) return 0
    seen.add(name)
    const later = outputs.get(name).imports.filter(({ kind }) => kind === 'import-statement')
    const own = gzipSync(contents.get(name), { level: 9 }).length
    return later.reduce((sum, { path }) => sum + visit(path.split('/').at(-1)), own)
  }
  return { bytes: visit(start), seen }
}
