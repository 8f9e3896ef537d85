/** A list of the account's: read when its screen appears, which waits for it, and again when it was changed there. */
import { useCallback, useEffect, useState } from 'react'
import { useAwaited } from './together.tsx'

/** `read` and `onFault` are the same functions each time. */
export function useList<Item>(
  read: () => Promise<readonly Item[]>,
  onFault: (fault: unknown) => boolean,
): readonly [items: readonly Item[], look: () => void] {
  const [items, setItems] = useState<readonly Item[]>()
  const [failed, setFailed] = useState(false)
  useAwaited(items === undefined && !failed)
  const look = useCallback(() => {
    void read().then(setItems, (fault: unknown) => {
      onFault(fault)
      setFailed(true)
    })
  }, [read, onFault])
  useEffect(look, [look])
  return [items ?? [], look]
}
