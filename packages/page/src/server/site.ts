/**
 * Serves the built page: every file from memory, with the headers that keep other people's scripts, frames and requests
 * out. What the page must know of its server (its realm, whether there is a test inbox) is written into its one HTML
 * file, so that it arrives as trusted as the page's own code.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Site } from '@keyhaven/server'
import type { Inbox } from './inbox.ts'

/** The same folder seen from `src/server` and from `dist/server`. */
const FOLDER = fileURLToPath(new URL('../../dist/web/', import.meta.url))

/** The two styles that react-aria puts into the page by itself, by their hashes. */
const ARIA_STYLES =
  "'sha256-38RhXrc7EdReTKsOm23ZPOCUgniTUUcjky8QOOrQx6o=' 'sha256-gYiS/BvZvRcK27JIXTuwhZ3hs2+VJ1X+2gUlE+farlg='"

/** Scripts from here alone, no inline ones; addresses of scripts pass the page's one policy; WebAssembly for Argon2id. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  `style-src 'self' ${ARIA_STYLES}`,
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types keyhaven',
].join('; ')

const DENIED = [
  'accelerometer',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'hid',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'screen-wake-lock',
  'serial',
  'usb',
  'xr-spatial-tracking',
]

/** What every answer of the site carries. */
export const SITE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': DENIED.map((feature) => `${feature}=()`).join(', '),
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
}

interface ServedFile {
  readonly bytes: Uint8Array
  readonly packed: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

export interface SiteOptions {
  /** 32 hex digits. */
  readonly realmId: string
  /** Where sign-in codes are shown instead of being sent; only for a server on one's own machine. */
  readonly inbox?: Inbox
}

/** The page as the server serves it. The folder is that of the build unless told. */
export function createSite({ realmId, inbox }: SiteOptions, folder: string = FOLDER): Site {
  const files = loadFiles(folder, { realmId, inbox: inbox !== undefined })
  return async (request) => {
    const { pathname } = new URL(request.url)
    if (inbox !== undefined && pathname === '/inbox') return answerInbox(inbox, request)
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
    const file = files.get(pathname === '/' ? '/index.html' : pathname)
    return file && answerFile(file, request)
  }
}

function loadFiles(
  folder: string,
  known: { readonly realmId: string; readonly inbox: boolean },
): Map<string, ServedFile> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      `${entry.parentPath}/${entry.name}`.replaceAll('\\', '/').slice(folder.length).replace(/^\/+/, ''),
    )
  return new Map(names.map((name) => [`/${name}`, loadFile(`${folder}/${name}`, name, known)]))
}

function loadFile(
  path: string,
  name: string,
  known: { readonly realmId: string; readonly inbox: boolean },
): ServedFile {
  const read = readFileSync(path)
  const bytes = name === 'index.html' ? Buffer.from(fillIn(read.toString(), known)) : read
  return {
    bytes,
    packed: gzipSync(bytes, { level: 9 }),
    headers: {
      ...SITE_HEADERS,
      'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
      'Cache-Control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      Vary: 'Accept-Encoding',
    },
  }
}

function fillIn(
  html: string,
  { realmId, inbox }: { readonly realmId: string; readonly inbox: boolean },
): string {
  return html.replace('{realm}', realmId).replace('{inbox}', inbox ? 'on' : 'off')
}

function answerFile({ bytes, packed, headers }: ServedFile, request: Request): Response {
  const packs = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
  const body = packs ? packed : bytes
  return new Response(request.method === 'HEAD' ? null : Buffer.from(body), {
    headers: { ...headers, ...(packs && { 'Content-Encoding': 'gzip' }) },
  })
}

async function answerInbox(inbox: Inbox, request: Request): Promise<Response> {
  if (request.method !== 'POST' || !isOwnPage(request)) return new Response(null, { status: 403 })
  const body: unknown = await request.json().catch(() => undefined)
  const phone = typeof body === 'object' && body !== null && 'phone' in body ? body.phone : undefined
  const code = typeof phone === 'string' ? inbox.codeFor(phone) : undefined
  return Response.json({ code: code ?? null }, { headers: { ...SITE_HEADERS, 'Cache-Control': 'no-store' } })
}

/** Not another site's page, and not this machine under somebody else's name. */
function isOwnPage(request: Request): boolean {
  const host = request.headers.get('host') ?? ''
  return (
    /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(host) &&
    request.headers.get('origin') === `http://${host}`
  )
}
