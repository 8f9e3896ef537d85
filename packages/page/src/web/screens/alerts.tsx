/** What others did to the account since this device was told last: wrong PINs, new devices, changes. */
import type { Notices } from 'keyhaven/sync'
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { ScreenInput } from '../components/screen-input.ts'
import { Card, Notice } from '../components/parts.tsx'
import { useAwaited } from '../components/together.tsx'
import { explainFault, isOffline } from '../texts/explain-fault.ts'
import { sayTime, useTexts } from '../texts/use-texts.ts'

export function Alerts({ device, ways }: ScreenInput): ReactNode {
  const texts = useTexts()
  const { security: words } = texts
  const [notices, setNotices] = useState<Notices>()
  const [fault, setFault] = useState<unknown>()
  const [asked, setAsked] = useState(false)
  useAwaited(!asked)
  const { onFault } = ways
  useEffect(() => {
    void device.sync
      .getNotices()
      .then(setNotices, (found: unknown) => {
        // That there is no connection is said elsewhere.
        if (!onFault(found) && navigator.onLine && !isOffline(found)) setFault(found)
      })
      .finally(() => {
        setAsked(true)
      })
  }, [device, onFault])
  if (fault !== undefined) return <Notice tone="bad">{explainFault(fault, texts)}</Notice>
  if (notices === undefined || notices.notices.length === 0) return null
  const dismiss = (): void => {
    void device.sync
      .dismissNotices(notices.upTo)
      .then(() => {
        setNotices(undefined)
      })
      .catch(onFault)
  }
  return (
    <Card title={words.alerts}>
      <ul className="alerts">
        {notices.notices.map(({ kind, event }) => (
          <li key={event.sequence}>
            {words.notices[kind]} <small>{sayTime(event.at)}</small>
          </li>
        ))}
      </ul>
      <Button className="quiet" onPress={dismiss}>
        {words.alertsDone}
      </Button>
    </Card>
  )
}
