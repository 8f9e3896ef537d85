/** Devices, PIN, ways in, who guards the PIN, what happened, the person's data. */
import { Suspense, lazy } from 'react'
import type { ReactNode } from 'react'
import type { ScreenInput } from '../components/screen-input.ts'
import { Card, Title } from '../components/parts.tsx'
import { Awaited, Together } from '../components/together.tsx'
import { Part } from '../components/unloaded.tsx'
import { replaceRoute, useRoute } from '../components/use-route.ts'
import { useTexts } from '../texts/use-texts.ts'
import { Alerts } from './alerts.tsx'
import { History } from './history.tsx'
import { Devices } from './security/devices.tsx'
import { Guards } from './security/guards.tsx'
import { Keep } from './security/keep.tsx'
import { Pin } from './security/pin.tsx'
import { WaysIn } from './security/ways-in.tsx'
import { DeleteEverything, ExportEverything } from './your-data.tsx'

const AddDevice = lazy(async () => ({ default: (await import('./security/add-device.tsx')).AddDevice }))
const Contacts = lazy(async () => ({ default: (await import('./contacts/contacts.tsx')).Contacts }))
const SecondPin = lazy(async () => ({ default: (await import('./second/second-pin.tsx')).SecondPin }))
const ContactNews = lazy(async () => ({ default: (await import('./contacts/news.tsx')).ContactNews }))
const Help = lazy(async () => ({ default: (await import('./contacts/help.tsx')).Help }))
const NewCode = lazy(async () => ({ default: (await import('./ways/new-code.tsx')).NewCode }))
const NewKit = lazy(async () => ({ default: (await import('./ways/new-kit.tsx')).NewKit }))

export function Security({ device, ways }: ScreenInput): ReactNode {
  const [, at = '', scanned] = useRoute().split('/')
  const back = (): void => {
    replaceRoute('security')
  }
  return (
    <Part key={at}>
      {at === 'device' ? (
        <AddDevice device={device} ways={ways} scanned={scanned} />
      ) : at === 'recovery-code' ? (
        <NewCode device={device} ways={ways} onDone={back} />
      ) : at === 'kit' ? (
        <NewKit device={device} ways={ways} onDone={back} />
      ) : at === 'contacts' ? (
        <Contacts device={device} ways={ways} />
      ) : at === 'second' ? (
        <SecondPin device={device} ways={ways} hasKeys />
      ) : at === 'help' ? (
        <Help device={device} ways={ways} />
      ) : (
        <Overview device={device} ways={ways} />
      )}
    </Part>
  )
}

function Overview({ device, ways }: ScreenInput): ReactNode {
  const { security: words } = useTexts()
  return (
    <>
      <Title>{words.title}</Title>
      <Together>
        <Cards device={device} ways={ways} />
      </Together>
    </>
  )
}

function Cards({ device, ways }: ScreenInput): ReactNode {
  const { contacts, second, security: words } = useTexts()
  return (
    <>
      <Suspense fallback={<Awaited />}>
        <ContactNews device={device} ways={ways} />
      </Suspense>
      <Alerts device={device} ways={ways} />
      <Devices device={device} ways={ways} />
      <Pin device={device} ways={ways} />
      {device.session.level === undefined && (
        <Card title={second.title}>
          <p>{second.card}</p>
          <a className="button" href="#/security/second">
            {second.go}
          </a>
        </Card>
      )}
      <WaysIn device={device} ways={ways} />
      {!device.inMemory && <Keep vault={device.vault} />}
      <Card title={contacts.help}>
        <p>{contacts.helpLead}</p>
        <a className="button" href="#/security/help">
          {contacts.helpGo}
        </a>
      </Card>
      <Guards />
      <History device={device} ways={ways} />
      <Card title={words.data}>
        <ExportEverything device={device} ways={ways} />
        <DeleteEverything device={device} ways={ways} />
      </Card>
    </>
  )
}
