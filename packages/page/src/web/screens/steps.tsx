import type { Progress } from 'keyhaven/sync'
import type { ReactNode } from 'react'
import { Label, ProgressBar } from 'react-aria-components'
import { useTexts } from '../texts/use-texts.ts'

/** What is going on, as the library reports it. */
export function Steps({ progress }: { readonly progress: Progress | undefined }): ReactNode {
  const { pin: words } = useTexts()
  const { phase, done, total } = progress ?? { phase: 'pin' as const, done: 0, total: 1 }
  return (
    <ProgressBar className="progress" value={done} maxValue={Math.max(1, total)}>
      {({ percentage = 0 }) => (
        <>
          <Label>{words.progress[phase]}</Label>
          <span className="bar" aria-hidden="true">
            <span className="fill" style={{ inlineSize: `${String(Math.max(5, percentage))}%` }} />
          </span>
        </>
      )}
    </ProgressBar>
  )
}
