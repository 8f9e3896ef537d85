/** Runs one thing at a time for a screen, and says what went wrong in words. */
import { useState } from 'react'
import { explainFault } from '../texts/explain-fault.ts'
import { useTexts } from '../texts/use-texts.ts'

export interface Work {
  readonly busy: boolean
  readonly error: string | undefined
  /** A fault becomes `error`, unless `onFault` takes it. */
  readonly run: (work: () => Promise<void>, onFault?: (fault: unknown) => boolean) => void
}

export function useWork(): Work {
  const texts = useTexts()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<string>()
  return {
    busy,
    error,
    run: (work, onFault) => {
      setBusy(true)
      setError(undefined)
      void work()
        .catch((fault: unknown) => {
          if (onFault?.(fault) !== true) setError(explainFault(fault, texts))
        })
        .finally(() => {
          setBusy(false)
        })
    },
  }
}
