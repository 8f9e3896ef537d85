/**
 * Keeps the page's own files, so that the page opens without a connection. It touches the files of its build and the way
 * to the page, and nothing else: no request to an API passes through it, and no answer of one is kept.
 *
 * With a connection the page comes from the server each time, so that a release is seen at once. The files of the build
 * before this one are kept as well, for pages that are open since then.
 */

/** What the build writes in: `release` names the contents of all its files, `files` are the paths of those that the page uses. */
declare const BUILD: { readonly release: string; readonly files: readonly string[] }
declare const self: ServiceWorkerGlobalScope

const PREFIX = 'page-'
const KEPT = 2
const NAME = PREFIX + BUILD.release
const FILES: ReadonlySet<string> = new Set(BUILD.files)

self.addEventListener('install', (event) => {
  event.waitUntil(keepFiles())
})

self.addEventListener('activate', (event) => {
  event.waitUntil(forgetOld().then(() => self.clients.claim()))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== self.location.origin) return
  if (request.mode === 'navigate' && pathname === '/') event.respondWith(answerPage(request))
  else if (FILES.has(pathname) || pathname.startsWith('/assets/')) event.respondWith(answerFile(request))
})

/** All or nothing: a release that is half here would open half. */
async function keepFiles(): Promise<void> {
  // A build that comes back after another one is the newest again.
  await caches.delete(NAME)
  const cache = await caches.open(NAME)
  const page = await fetch('/', { cache: 'no-cache' })
  if (!(await isOfThisBuild(page))) throw new Error('another release is being put up')
  await cache.addAll(BUILD.files)
  await cache.put('/', page)
  await self.skipWaiting()
}

async function isOfThisBuild(page: Response): Promise<boolean> {
  if (page.status !== 200) return false
  const text = await page.clone().text()
  return [...text.matchAll(/"(\/assets\/[^"]+)"/g)].every(([, path = '']) => FILES.has(path))
}

async function forgetOld(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX))
  await Promise.all(names.slice(0, -KEPT).map((name) => caches.delete(name)))
}

/** From the server; where that does not answer, as it was kept. */
async function answerPage(request: Request): Promise<Response> {
  try {
    const page = await fetch(request)
    if (page.status < 500) {
      // What the server writes into the page, such as its realm, may be new while the build is the same.
      if (await isOfThisBuild(page)) await (await caches.open(NAME)).put('/', page.clone())
      return page
    }
    return (await keptPage()) ?? page
  } catch {
    return (await keptPage()) ?? Response.error()
  }
}

async function keptPage(): Promise<Response | undefined> {
  return (await caches.open(NAME)).match('/')
}

/** From this build, else from the one before it, which a page may be open from; what was lost is fetched. */
async function answerFile(request: Request): Promise<Response> {
  const own = await (await caches.open(NAME)).match(request, { ignoreVary: true })
  return own ?? (await caches.match(request, { ignoreVary: true })) ?? fetch(request)
}
