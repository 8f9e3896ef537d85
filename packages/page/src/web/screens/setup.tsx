/** The first device: keys, how they are kept here, the PIN, the backup. */
import type { Progress } from 'keyhaven/sync'
import { useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import type { Ways } from '../app.tsx'
import { ChooseKeys } from '../components/choose-keys.tsx'
import type { ScreenInput } from '../components/screen-input.ts'
import { Keeping } from '../components/keeping.tsx'
import { NewPin } from '../components/new-pin.tsx'
import { Notice, Title } from '../components/parts.tsx'
import { goTo, replaceRoute, useRoute } from '../components/use-route.ts'
import { useWork } from '../components/use-work.ts'
import type { Device } from '../device/device.ts'
import { useTexts } from '../texts/use-texts.ts'
import { BackedUp } from './backed-up.tsx'
import { Steps } from './steps.tsx'

const STEPS = ['keys', 'keep', 'pin'] as const

export function Setup({ device, ways }: ScreenInput): ReactNode {
  const texts = useTexts()
  const route = useRoute()
  const [done, setDone] = useState(false)
  /** What an import leaves to be done when the keys are backed up. */
  const finishImport = useRef<() => Promise<void>>(undefined)
  const step = STEPS.find((one) => one === route)
  useEffect(() => {
    if (!done && step === undefined) replaceRoute('keys')
  }, [done, step])
  if (done) return <BackedUp device={device} ways={ways} />
  const at = step ?? 'keys'
  return (
    <main className="narrow">
      <p className="step">{texts.steps(STEPS.indexOf(at) + 1, STEPS.length)}</p>
      {at === 'keys' && (
        <ChooseKeys
          device={device}
          onNext={(finish) => {
            finishImport.current = finish
            goTo(device.inMemory ? 'pin' : 'keep')
          }}
        />
      )}
      {at === 'keep' && (
        <>
          <Title>{texts.keep.title}</Title>
          <p className="lead">{texts.keep.lead}</p>
          <Keeping
            vault={device.vault}
            go={texts.next}
            onKept={() => {
              goTo('pin')
            }}
          />
        </>
      )}
      {at === 'pin' && (
        <ChoosePin
          device={device}
          ways={ways}
          onDone={async () => {
            await finishImport.current?.()
            setDone(true)
            replaceRoute('backed-up')
          }}
        />
      )}
    </main>
  )
}

function ChoosePin({
  device,
  ways,
  onDone,
}: {
  readonly device: Device
  readonly ways: Ways
  readonly onDone: () => Promise<void>
}): ReactNode {
  const { pin: words } = useTexts()
  const [progress, setProgress] = useState<Progress>()
  const work = useWork()
  const backUp = (pin: string): void => {
    work.run(async () => {
      const { makeIdentity } = await import('../device/keys.ts')
      await makeIdentity(device)
      const { status } = await device.sync.backup({ pin, onProgress: setProgress })
      if (status === 'backed-up') await onDone()
      // Another device made a backup meanwhile: this one is the next device now.
      else ways.signedIn(device)
    }, ways.onFault)
  }
  return (
    <>
      <Title>{words.title}</Title>
      <p className="lead">{words.lead}</p>
      <NewPin phone={device.sync.phone} go={words.backUp} busy={work.busy} onPin={backUp} />
      {work.busy && <Steps progress={progress} />}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
    </>
  )
}
