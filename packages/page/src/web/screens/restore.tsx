/** The next device: the PIN. Wrong, waiting, locked and damaged look like what they are. */
import { isKeyhavenError } from 'keyhaven'
import type { Progress, RestoreOutcome } from 'keyhaven/sync'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { Ways } from '../app.tsx'
import { Field, Form, Notice, Title } from '../components/parts.tsx'
import { useWork } from '../components/use-work.ts'
import type { Device } from '../device/device.ts'
import { sayTime, useTexts } from '../texts/use-texts.ts'
import { Steps } from './setup.tsx'

export function Restore({ device, ways }: { readonly device: Device; readonly ways: Ways }): ReactNode {
  const texts = useTexts()
  const { enterPin: words } = texts
  const [pin, setPin] = useState('')
  const [outcome, setOutcome] = useState<RestoreOutcome>()
  const [damaged, setDamaged] = useState(false)
  const [progress, setProgress] = useState<Progress>()
  const work = useWork()
  const restore = (allowDamaged: boolean): void => {
    work.run(
      async () => {
        const restored = await device.sync.restore({ pin, allowDamaged, onProgress: setProgress })
        setOutcome(restored)
        if (restored.status !== 'restored') setPin('')
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
  if (outcome?.status === 'restored') {
    const { skipped } = outcome
    return (
      <main className="narrow">
        <Title>{words.doneTitle}</Title>
        <p className="lead">{words.done(outcome.identityKeys, outcome.conversationKeys)}</p>
        {skipped !== undefined && (
          <Notice tone="bad">{words.skipped(skipped.unopened + skipped.missing)}</Notice>
        )}
        <Button
          className="primary"
          onPress={() => {
            ways.here(device)
          }}
        >
          {texts.pin.start}
        </Button>
      </main>
    )
  }
  if (outcome?.status === 'locked') {
    return (
      <main className="narrow">
        <Title>{words.lockedTitle}</Title>
        <p className="lead">{words.lockedLead}</p>
        <SignOut device={device} ways={ways} />
      </main>
    )
  }
  return (
    <main className="narrow">
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
      <SignOut device={device} ways={ways} />
    </main>
  )
}

function SignOut({ device, ways }: { readonly device: Device; readonly ways: Ways }): ReactNode {
  const { home } = useTexts()
  const work = useWork()
  const leaveNow = async (): Promise<void> => {
    const { leave } = await import('../device/device.ts')
    await leave(device)
    ways.left()
  }
  return (
    <Button
      className="quiet"
      isPending={work.busy}
      onPress={() => {
        work.run(leaveNow)
      }}
    >
      {home.signOut}
    </Button>
  )
}
