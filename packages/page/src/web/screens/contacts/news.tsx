/** On Home: somebody asks this person's contacts for his keys, or asks him for help. */
import type { AskedOfMe, ContactRequest } from 'keyhaven/sync'
import { useCallback, useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Card, Notice } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { useAwaited } from '../../components/together.tsx'
import { readAsked } from '../../device/contacts.ts'
import { useTexts } from '../../texts/use-texts.ts'
import { Requests } from './requests.tsx'

const SHOWN = 3

export function ContactNews({ device, ways }: ScreenInput): ReactNode {
  const { contacts: words } = useTexts()
  const [requests, setRequests] = useState<readonly ContactRequest[]>([])
  const [asked, setAsked] = useState<readonly AskedOfMe[]>([])
  const [said, setSaid] = useState<string>()
  const [known, setKnown] = useState(false)
  useAwaited(!known)
  const { onFault } = ways
  const look = useCallback(() => {
    // What keeps Home from knowing, such as no connection, is said by its other parts.
    const { contacts } = device.sync
    const both = [
      contacts.list().then((found) => {
        setRequests(found.requests)
      }, onFault),
      readAsked(device).then(setAsked, onFault),
    ]
    void Promise.all(both).then(() => {
      setKnown(true)
    })
  }, [device, onFault])
  useEffect(look, [look])
  // Anybody can name anybody a contact: what was not sealed to this person, or is too much, is no news.
  const waiting = asked.filter(({ answered, ownerName }) => !answered && ownerName !== undefined)
  return (
    <>
      {said !== undefined && <Notice tone="good">{said}</Notice>}
      <Requests
        device={device}
        ways={ways}
        requests={requests}
        onStopped={(text) => {
          setSaid(text)
          look()
        }}
      />
      {waiting.length > 0 && (
        <Card title={words.asked}>
          {waiting.slice(0, SHOWN).map(({ ownerId, requestId, ownerName = '' }) => (
            <p key={ownerId + requestId}>{words.askedLead(ownerName)}</p>
          ))}
          {waiting.length > SHOWN && <p>{words.askedMore(waiting.length - SHOWN)}</p>}
          <a className="button" href="#/security/help">
            {words.askedGo}
          </a>
        </Card>
      )}
    </>
  )
}
