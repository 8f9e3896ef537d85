/** Bringing the keys by one of the ways: what each outcome that all of them have means for the page. */
import type { Progress, Restored } from 'keyhaven/sync'
import { useState } from 'react'
import { useWork } from '../../components/use-work.ts'
import type { RestoreInput } from '../restore.tsx'

interface Attempt<Outcome> {
  readonly by: (
    onProgress: (progress: Progress) => void,
  ) => Promise<Restored | { readonly status: 'no-backup' } | Outcome>
  /** Anything else than keys that came, or a backup that is not there. */
  readonly onOther: (outcome: Outcome) => void
  /** Takes a fault that this way tells in its own words. */
  readonly onFault?: (fault: unknown) => boolean
}

export interface Restoring {
  readonly busy: boolean
  readonly error: string | undefined
  readonly progress: Progress | undefined
  readonly restore: <Outcome extends { readonly status: string }>(attempt: Attempt<Outcome>) => void
}

export function useRestore({ device, ways, onRestored }: RestoreInput): Restoring {
  const [progress, setProgress] = useState<Progress>()
  const { busy, error, run } = useWork()
  return {
    busy,
    error,
    progress,
    restore: ({ by, onOther, onFault }) => {
      run(
        async () => {
          const outcome = await by(setProgress)
          if (isRestored(outcome)) onRestored(outcome)
          else if (isMissing(outcome)) ways.signedIn(device)
          else onOther(outcome)
        },
        (fault) => onFault?.(fault) === true || ways.onFault(fault),
      )
    },
  }
}

function isRestored(outcome: { readonly status: string }): outcome is Restored {
  return outcome.status === 'restored'
}

function isMissing(outcome: { readonly status: string }): outcome is { readonly status: 'no-backup' } {
  return outcome.status === 'no-backup'
}
