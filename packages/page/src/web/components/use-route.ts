/** Where one is, in the address after `#/`, so that back, forward and reload do what people expect. */
import { useSyncExternalStore } from 'react'

export function useRoute(): string {
  return useSyncExternalStore(subscribe, () => location.hash.replace(/^#\/?/, ''))
}

export function goTo(route: string): void {
  location.hash = `/${route}`
}

/** The same without a step for the back button. */
export function replaceRoute(route: string): void {
  history.replaceState(null, '', `#/${route}`)
  dispatchEvent(new HashChangeEvent('hashchange'))
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener)
  return () => {
    removeEventListener('hashchange', listener)
  }
}
