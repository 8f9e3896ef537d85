/** Has the service worker keep the page's own files, so that it opens without a connection. */
import { trustedScript } from './trusted-scripts.ts'

export function keepPage(): void {
  if (!('serviceWorker' in navigator)) return
  // After the page is there: its files are fetched in the background.
  addEventListener('load', () => {
    // Where a browser keeps nothing, as in private windows of some, the page is as good with a connection.
    navigator.serviceWorker.register(trustedScript('/service-worker.js')).catch(() => undefined)
  })
}
