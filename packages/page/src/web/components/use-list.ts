/** A list of the account's: read when its screen appears, and again when it was changed there. */
import { useCallback, useEffect, useState } from 'react'

/** `read` and `onFault` are the same functions each time. */
export function useList<Item>(
  read: () => Promise<readonly Item[]>,
  onFault: (fault: unknown) => boolean,
): readonly [items: readonly Item[], look: () => void] {
  const [items, setItems] = useState<readonly Item[]>([])
  const look = useCallback(() => {
    void read().then(setItems).catch(onFault)
  }, [read, onFault])
  useEffect(look, [look])
  return [items, look]
}
