/** Says so while the device has no connection, on whichever screen one is. */
import { useSyncExternalStore } from 'react'
import type { ReactNode } from 'react'
import { useTexts } from '../texts/use-texts.ts'

export function Connection(): ReactNode {
  const { noConnection } = useTexts()
  const online = useSyncExternalStore(subscribe, () => navigator.onLine)
  return (
    <div className="connection" role="status">
      {!online && <p>{noConnection}</p>}
    </div>
  )
}

function subscribe(listener: () => void): () => void {
  addEventListener('online', listener)
  addEventListener('offline', listener)
  return () => {
    removeEventListener('online', listener)
    removeEventListener('offline', listener)
  }
}
