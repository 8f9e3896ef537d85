/** The PIN on the next device. Wrong, waiting, locked and damaged look like what they are. */
import { isKeyhavenError } from 'keyhaven'
import type { Progress, RestoreOutcome } from 'keyhaven/sync'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Field, Form, Notice, Title } from '../../components/parts.tsx'
import { useWork } from '../../components/use-work.ts'
import { sayTime, useTexts } from '../../texts/use-texts.ts'
import type { RestoreInput } from '../restore.tsx'
import { Steps } from '../steps.tsx'

export function WithPin({ device, ways, onRestored }: RestoreInput): ReactNode {
  const { enterPin: words } = useTexts()
  const [pin, setPin] = useState('')
  const [outcome, setOutcome] = useState<RestoreOutcome>()
  const [damaged, setDamaged] = useState(false)
  const [progress, setProgress] = useState<Progress>()
  const work = useWork()
  const restore = (allowDamaged: boolean): void => {
    work.run(
      async () => {
        const restored = await device.sync.restore({ pin, allowDamaged, onProgress: setProgress })
        if (restored.status === 'restored') {
          onRestored(restored)
          return
        }
        setOutcome(restored)
        setPin('')
        if (restored.status === 'no-backup') ways.signedIn(device)
      },
      (fault) => {
        if (!isKeyhavenError(fault, 'ERR_LOG_DAMAGED') && !isKeyhavenError(fault, 'ERR_LOG_INCOMPLETE'))
          return ways.onFault(fault)
        setDamaged(true)
        return true
      },
    )
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
      <Title>{words.title}</Title>
      <p className="lead">{words.lead}</p>
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
      {work.busy && <Steps progress={progress} />}
    </>
  )
}
