/** What happened in the account, as its devices have verified it: a picture, and every event in a table. */
import type { AccessEvent } from 'keyhaven/sync'
import { useCallback, useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Card, Notice } from '../components/parts.tsx'
import type { ScreenInput } from '../components/screen-input.ts'
import { useAwaited } from '../components/together.tsx'
import { Timeline, isWrongPin } from '../components/timeline.tsx'
import { useWork } from '../components/use-work.ts'
import { sayDate, useTexts } from '../texts/use-texts.ts'

export function History({ device, ways }: ScreenInput): ReactNode {
  const { security: words } = useTexts()
  const [events, setEvents] = useState<readonly AccessEvent[]>()
  const [next, setNext] = useState<string>()
  const work = useWork()
  const { run } = work
  useAwaited(events === undefined && work.error === undefined)
  const { onFault } = ways
  const read = useCallback(
    (before?: string): void => {
      run(async () => {
        const page = await device.sync.getAccessHistory({
          limit: 20,
          ...(before !== undefined && { before }),
        })
        setEvents((shown = []) => (before === undefined ? page.events : [...shown, ...page.events]))
        setNext(page.next)
      }, onFault)
    },
    [device, run, onFault],
  )
  useEffect(() => {
    read()
  }, [read])
  const shown = events ?? []
  const [newest] = shown
  return (
    <Card title={words.log}>
      <p>{words.logLead}</p>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      {newest !== undefined && <Notice tone="good">{words.verified(sayDate(newest.at))}</Notice>}
      <Timeline events={shown} />
      <div className="wide" role="group" aria-label={words.logTable} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {[words.what, words.at, words.device, words.from].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((event) => (
              <tr
                key={event.sequence}
                className={event.success && !isWrongPin(event, shown) ? '' : 'refused'}
              >
                <td>
                  {isWrongPin(event, shown)
                    ? words.timeline.wrong
                    : (words.events[event.type] ?? words.otherEvent)}
                  {!event.success && ` (${words.refused})`}
                </td>
                <td>{sayDate(event.at)}</td>
                <td>{event.deviceLabel ?? ''}</td>
                <td>{event.erased ? words.erased : (event.address ?? '')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {next !== undefined && (
        <Button
          className="quiet"
          isPending={work.busy}
          onPress={() => {
            read(next)
          }}
        >
          {words.older}
        </Button>
      )}
    </Card>
  )
}
