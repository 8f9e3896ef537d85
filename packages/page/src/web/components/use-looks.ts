/** Looks now, then again and again while the tab is seen, and at once when somebody comes back to it. */
import { useEffect } from 'react'

export function useLooks(look: () => Promise<void>, everyMs: number): void {
  useEffect(() => {
    let over = false
    let timer: ReturnType<typeof setTimeout> | undefined
    let looking: Promise<void> | undefined
    const again = (): void => {
      if (document.hidden || looking !== undefined) return
      clearTimeout(timer)
      looking = look().finally(() => {
        looking = undefined
        if (!over) timer = setTimeout(again, everyMs)
      })
    }
    again()
    addEventListener('online', again)
    document.addEventListener('visibilitychange', again)
    return () => {
      over = true
      clearTimeout(timer)
      removeEventListener('online', again)
      document.removeEventListener('visibilitychange', again)
    }
  }, [look, everyMs])
}
