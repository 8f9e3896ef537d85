/**
 * A small site on loopback that serves the vault's test page and its worker, bundled as an app would bundle them, under
 * a content security policy that the test chooses.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'

/** Nothing may be connected to; scripts and workers come from here; WebAssembly may be compiled. */
export const STRICT = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"
/** The same without WebAssembly. */
export const STRICTEST = "default-src 'none'; script-src 'self'; worker-src 'self'"

const PAGES: Readonly<Record<string, string>> = {
  '/': '<!doctype html><script type="module" src="/page.js"></script>',
  '/cuts': '<!doctype html><script type="module" src="/cut-database.js"></script>',
}

export interface VaultSite {
  /** The page's address, or that of the one which cuts the database short; `policy` is one of the two above. */
  address(policy: string, path?: '/' | '/cuts'): string
  close(): Promise<void>
}

export async function openVaultSite(): Promise<VaultSite> {
  const files = await bundle()
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const policy = searchParams.get('policy') ?? policyOf(request.headers.referer) ?? STRICT
    const page = PAGES[pathname]
    const body = page ?? files.get(pathname)
    response.setHeader('Content-Security-Policy', policy)
    response.setHeader('Content-Type', page === undefined ? 'text/javascript' : 'text/html')
    response.writeHead(body === undefined ? 404 : 200).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: (policy, path = '/') =>
      `http://localhost:${String(port)}${path}?policy=${encodeURIComponent(policy)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

function policyOf(referer: string | undefined): string | undefined {
  return referer === undefined ? undefined : (new URL(referer).searchParams.get('policy') ?? undefined)
}

async function bundle(): Promise<Map<string, Uint8Array>> {
  const folder = join(import.meta.dirname, '..', 'vault')
  const { outputFiles } = await build({
    entryPoints: ['page.ts', 'worker.ts', 'cut-database.ts'].map((file) => join(folder, file)),
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    outdir: '/',
    write: false,
    logLevel: 'error',
  })
  return new Map(outputFiles.map(({ path, contents }) => [path, contents]))
}
