/** Runs one thing at a time for a screen, and says what went wrong in words. */
import { useCallback, useState } from 'react'
import { explainFault } from '../texts/explain-fault.ts'
import { useTexts } from '../texts/use-texts.ts'

export interface Work {
  readonly busy: boolean
  readonly error: string | undefined
  /** A fault becomes `error`, unless `onFault` takes it. The same function each time. */
  readonly run: (work: () => Promise<void>, onFault?: (fault: unknown) => boolean) => void
}

export function useWork(): Work {
  const texts = useTexts()
  const [busy, setBusy] = useState(false)
  const [failed, setFailed] = useState<{ readonly fault: unknown }>()
  const run = useCallback<Work['run']>((work, onFault) => {
    setBusy(true)
    setFailed(undefined)
    void work()
      .catch((fault: unknown) => {
        if (onFault?.(fault) !== true) setFailed({ fault })
      })
      .finally(() => {
        setBusy(false)
      })
  }, [])
  return { busy, error: failed && explainFault(failed.fault, texts), run }
}
