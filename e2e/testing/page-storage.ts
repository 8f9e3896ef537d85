/** What a page keeps in the browser. */

/** Runs on the page: every string and every byte of its stores, in base64; a key of the browser only if it can be read. */
export async function readStorage(mark: string): Promise<readonly string[]> {
  const found: Uint8Array[] = []
  const take = async (value: unknown): Promise<void> => {
    if (typeof value === 'string' || typeof value === 'number')
      found.push(new TextEncoder().encode(String(value)))
    else if (value instanceof ArrayBuffer) found.push(new Uint8Array(value))
    else if (ArrayBuffer.isView(value))
      found.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    else if (value instanceof CryptoKey) {
      if (value.extractable) await take(await crypto.subtle.exportKey('raw', value))
    } else if (value instanceof Map) await take([...(value as Map<unknown, unknown>)].flat())
    else if (typeof value === 'object' && value !== null) {
      for (const [name, part] of Object.entries(value)) {
        await take(name)
        await take(part)
      }
    }
  }
  const asked = <Result>(request: IDBRequest<Result>): Promise<Result> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => {
        resolve(request.result)
      }
      request.onerror = () => {
        reject(new Error('a store does not open'))
      }
    })
  localStorage.setItem('marker', mark)
  sessionStorage.setItem('marker', mark)
  await (await caches.open('marker')).put('/marker', new Response(mark))
  const own = indexedDB.open('marker')
  own.onupgradeneeded = () => {
    own.result.createObjectStore('marker').put({ deep: [new TextEncoder().encode(mark)] }, 'marker')
  }
  ;(await asked(own)).close()
  await take(document.cookie)
  for (const area of [localStorage, sessionStorage]) await take(Object.entries(area).flat())
  for (const { name = '' } of await indexedDB.databases()) {
    const database = await asked(indexedDB.open(name))
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store).objectStore(store)
      await take([await asked(objects.getAllKeys()), await asked(objects.getAll())])
    }
    database.close()
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name)
    for (const request of await cache.keys()) {
      await take([request.url, [...request.headers].flat()])
      const answer = await cache.match(request)
      if (answer !== undefined) await take([[...answer.headers].flat(), await answer.arrayBuffer()])
    }
  }
  const inBase64 = (bytes: Uint8Array): string =>
    btoa(Array.from(bytes, (byte) => String.fromCodePoint(byte)).join(''))
  return found.filter(({ length }) => length > 0).map(inBase64)
}
