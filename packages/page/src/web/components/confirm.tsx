/** Asks before something that cannot be taken back, and does it when the person says so. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Notice, Question } from './parts.tsx'
import { useWork } from './use-work.ts'

export function Confirm(input: {
  readonly title: string
  readonly lead: string
  readonly go: string
  readonly onGo: () => Promise<void>
  readonly onClose: () => void
  /** Takes a fault that is not told in the question. */
  readonly onFault?: (fault: unknown) => boolean
}): ReactNode {
  const work = useWork()
  return (
    <Question title={input.title} onClose={input.onClose}>
      <p>{input.lead}</p>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <Button
        className="danger"
        isPending={work.busy}
        onPress={() => {
          work.run(input.onGo, input.onFault)
        }}
      >
        {input.go}
      </Button>
    </Question>
  )
}

/** A button that asks first. */
export function ConfirmedButton({
  label,
  className,
  ...confirm
}: Omit<Parameters<typeof Confirm>[0], 'onClose'> & {
  readonly label: string
  readonly className: string
}): ReactNode {
  const [asking, setAsking] = useState(false)
  return (
    <>
      <Button
        className={className}
        onPress={() => {
          setAsking(true)
        }}
      >
        {label}
      </Button>
      {asking && (
        <Confirm
          {...confirm}
          onClose={() => {
            setAsking(false)
          }}
        />
      )}
    </>
  )
}
