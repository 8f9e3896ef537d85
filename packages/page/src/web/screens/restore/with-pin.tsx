/** The PIN on the next device. Wrong, waiting, locked and damaged look like what they are. */
import { isKeyhavenError } from 'keyhaven'
import type { RestoreOutcome } from 'keyhaven/sync'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Field, Form, Notice, Title } from '../../components/parts.tsx'
import { sayTime, useTexts } from '../../texts/use-texts.ts'
import type { RestoreInput } from '../restore.tsx'
import { Steps } from '../steps.tsx'
import { useRestore } from './use-restore.ts'

export function WithPin({
  title,
  lead,
  ...input
}: RestoreInput & { readonly title?: string; readonly lead?: string }): ReactNode {
  const { enterPin: words } = useTexts()
  const [pin, setPin] = useState('')
  const [outcome, setOutcome] = useState<RestoreOutcome>()
  const [damaged, setDamaged] = useState(false)
  const work = useRestore(input)
  const restore = (allowDamaged: boolean): void => {
    work.restore({
      by: (onProgress) => input.device.sync.restore({ pin, allowDamaged, onProgress }),
      onOther: (other) => {
        setOutcome(other)
        setPin('')
      },
      onFault: (fault) => {
        if (!isKeyhavenError(fault, 'ERR_LOG_DAMAGED') && !isKeyhavenError(fault, 'ERR_LOG_INCOMPLETE'))
          return false
        setDamaged(true)
        return true
      },
    })
  }
  // The last wrong one locks it, too.
  if (outcome?.status === 'locked' || (outcome?.status === 'wrong-pin' && outcome.guessesRemaining === 0)) {
    return (
      <>
        <Title>{words.lockedTitle}</Title>
        <p className="lead">{words.lockedLead}</p>
      </>
    )
  }
  return (
    <>
      <Title>{title ?? words.title}</Title>
      <p className="lead">{lead ?? words.lead}</p>
      {outcome?.status === 'wrong-pin' && (
        <Notice tone="bad">
          <strong>{words.wrong}</strong> {words.left(outcome.guessesRemaining)}
        </Notice>
      )}
      {outcome?.status === 'waiting' && (
        <Notice>
          <strong>{words.waiting}.</strong> {words.waitingLead(sayTime(outcome.until))}
        </Notice>
      )}
      {damaged && (
        <Notice tone="bad">
          <strong>{words.damagedTitle}.</strong> {words.damagedLead}
          <Button
            className="quiet"
            onPress={() => {
              restore(true)
            }}
          >
            {words.damagedGo}
          </Button>
        </Notice>
      )}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <Form
        onSubmit={() => {
          restore(false)
        }}
        go={words.open}
        busy={work.busy}
      >
        <Field label={words.label} value={pin} onChange={setPin} type="password" autoComplete="off" large />
      </Form>
      {work.busy && <Steps progress={work.progress} />}
    </>
  )
}
