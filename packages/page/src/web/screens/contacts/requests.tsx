/** What a device without the keys asks of this person's contacts, and the end of it. */
import type { ContactRequest } from 'keyhaven/sync'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Card, Notice } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { useWork } from '../../components/use-work.ts'
import { isPast, sayDate, useTexts } from '../../texts/use-texts.ts'

export function Requests({
  device,
  ways,
  requests,
  onStopped,
}: ScreenInput & {
  readonly requests: readonly ContactRequest[]
  readonly onStopped: (said: string) => void
}): ReactNode {
  const { contacts: words } = useTexts()
  const work = useWork()
  const stop = async (id: string): Promise<void> => {
    await device.sync.contacts.stop({ id })
    onStopped(words.stopped)
  }
  return requests.map(({ id, label, requestedAt, dueAt, answers }) => (
    <Card key={id} title={words.request}>
      <p>{words.requestLead(label, sayDate(requestedAt))}</p>
      <p>
        {isPast(dueAt) ? words.requestIsDue : words.requestDue(sayDate(dueAt))} {words.answers(answers)}
      </p>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <p>
        <Button
          className="danger"
          isPending={work.busy}
          onPress={() => {
            work.run(() => stop(id), ways.onFault)
          }}
        >
          {words.stop}
        </Button>
      </p>
      <p className="hint">{words.stopHint}</p>
    </Card>
  ))
}
