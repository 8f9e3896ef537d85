/** Parts of a screen that appear together: what arrives late would push away what somebody is about to press. */
import { createContext, use, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { useTexts } from '../texts/use-texts.ts'

/** One more part that is waited for; returns what ends that. */
type Await = () => () => void

/** A server that takes longer than this keeps nobody from what is known. */
const PATIENCE_MS = 10_000

const Awaiting = createContext<Await>(() => () => undefined)

/** Shows nothing but that it takes a moment until no part within waits any more; from then on whatever is there. */
export function Together({ children }: { readonly children: ReactNode }): ReactNode {
  const { loading } = useTexts()
  const awaited = useRef(0)
  const [shown, setShown] = useState(false)
  const look = useCallback(() => {
    if (awaited.current === 0) setShown(true)
  }, [])
  const wait = useCallback<Await>(() => {
    awaited.current += 1
    return () => {
      awaited.current -= 1
      // What takes this part's place at the same time may wait, too.
      queueMicrotask(look)
    }
  }, [look])
  useEffect(look, [look])
  useEffect(() => {
    const timer = setTimeout(() => {
      setShown(true)
    }, PATIENCE_MS)
    return () => {
      clearTimeout(timer)
    }
  }, [])
  return (
    <Awaiting value={wait}>
      {!shown && <p role="status">{loading}</p>}
      <div className="together" hidden={!shown}>
        {children}
      </div>
    </Awaiting>
  )
}

/** Keeps the parts around from being shown while it is true. */
export function useAwaited(waits: boolean): void {
  const wait = use(Awaiting)
  useLayoutEffect(() => (waits ? wait() : undefined), [waits, wait])
}

/** Stands in for a part that is being loaded. */
export function Awaited(): ReactNode {
  useAwaited(true)
  return null
}
