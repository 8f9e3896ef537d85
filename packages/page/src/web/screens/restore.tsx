/** The next device: the PIN, or one of the other ways in. */
import type { Restored } from 'keyhaven/sync'
import { lazy, useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { ScreenInput } from '../components/screen-input.ts'
import { Notice, Title } from '../components/parts.tsx'
import { Part } from '../components/unloaded.tsx'
import { replaceRoute, useRoute } from '../components/use-route.ts'
import { useWork } from '../components/use-work.ts'
import { useTexts } from '../texts/use-texts.ts'
import { NewPinAfter } from './restore/new-pin-after.tsx'
import { OtherWays, WAY_SCREENS } from './restore/other-ways.tsx'
import { WithPin } from './restore/with-pin.tsx'

const WithCode = lazy(async () => ({ default: (await import('./restore/with-code.tsx')).WithCode }))
const WithLink = lazy(async () => ({ default: (await import('./restore/with-link.tsx')).WithLink }))
const WithContacts = lazy(async () => ({
  default: (await import('./restore/with-contacts.tsx')).WithContacts,
}))
const SecondPin = lazy(async () => ({ default: (await import('./second/second-pin.tsx')).SecondPin }))
const WithKit = lazy(async () => ({ default: (await import('./restore/with-kit.tsx')).WithKit }))

/** What came to this device; `wrongShares` names contacts who gave something else than their part. */
export type Brought = Restored & { readonly wrongShares?: readonly string[] }

/** What each way of restoring is given. */
export interface RestoreInput extends ScreenInput {
  readonly onRestored: (restored: Brought) => void
}

export function Restore({ device, ways }: ScreenInput): ReactNode {
  const route = useRoute()
  const [done, setDone] = useState<{ readonly restored: Brought; readonly byPin: boolean }>()
  const at = WAY_SCREENS.find((screen) => screen === route)
  useEffect(() => {
    if (at === undefined) replaceRoute('')
  }, [at])
  useEffect(() => {
    // Somebody who asked his contacts comes back, perhaps after a week.
    if (location.hash.length > 2) return
    void import('../device/contacts.ts')
      .then(({ hasAsked }) => hasAsked(device))
      .then((asked) => {
        if (asked) replaceRoute('contacts')
      })
      .catch(ways.onFault)
  }, [device, ways])
  if (done !== undefined) return <Done device={device} ways={ways} {...done} />
  const onRestored = (restored: Brought): void => {
    setDone({ restored, byPin: false })
  }
  const input = { device, ways, onRestored }
  return (
    <Part key={at}>
      <main className="narrow">
        {at === 'link' && <WithLink {...input} />}
        {at === 'recovery-code' && <WithCode {...input} />}
        {at === 'kit' && <WithKit {...input} />}
        {at === 'contacts' && <WithContacts {...input} />}
        {at === 'second' && <SecondPin device={device} ways={ways} hasKeys={false} />}
        {(at ?? '') === '' && (
          <WithPin
            {...input}
            onRestored={(restored) => {
              setDone({ restored, byPin: true })
            }}
          />
        )}
        <OtherWays {...input} at={at ?? ''} />
        <SignOut device={device} ways={ways} />
      </main>
    </Part>
  )
}

function Done({
  device,
  ways,
  restored,
  byPin,
}: ScreenInput & { readonly restored: Brought; readonly byPin: boolean }): ReactNode {
  const { contacts, enterPin: words, pin } = useTexts()
  const { skipped, wrongShares = [] } = restored
  return (
    <main className="narrow">
      <Title>{words.doneTitle}</Title>
      <p className="lead">{words.done(restored.identityKeys, restored.conversationKeys)}</p>
      {skipped !== undefined && (
        <Notice tone="bad">{words.skipped(skipped.unopened + skipped.missing)}</Notice>
      )}
      {wrongShares.length > 0 && <Notice tone="bad">{contacts.wrongGiven(wrongShares.join(', '))}</Notice>}
      {!byPin && <NewPinAfter device={device} ways={ways} />}
      <Button
        className="primary"
        onPress={() => {
          ways.here(device)
        }}
      >
        {pin.start}
      </Button>
    </main>
  )
}

function SignOut({ device, ways }: ScreenInput): ReactNode {
  const { home } = useTexts()
  const work = useWork()
  const leaveNow = async (): Promise<void> => {
    const { leave } = await import('../device/device.ts')
    await leave(device)
    ways.left(device)
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
