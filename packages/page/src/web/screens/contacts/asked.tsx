/** What people ask of this person as their contact. He gives his part when he hears the digits from a voice that he knows. */
import { isKeyhavenError } from 'keyhaven'
import type { AskedOfMe } from 'keyhaven/sync'
import { useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { useDigits } from '../../components/compare-digits.tsx'
import { Card, Notice } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { useWork } from '../../components/use-work.ts'
import { readIdentity } from '../../device/contacts.ts'
import { sayDate, useTexts } from '../../texts/use-texts.ts'
import { HearDigits } from './hear-digits.tsx'

export function Asked({
  device,
  ways,
  asked,
  names,
  onAnswered,
}: ScreenInput & {
  readonly asked: readonly AskedOfMe[]
  readonly names: ReadonlyMap<string, string>
  readonly onAnswered: () => void
}): ReactNode {
  const { contacts: words } = useTexts()
  const [said, setSaid] = useState<{ readonly tone: 'good' | 'bad'; readonly text: string }>()
  const running = useRef<AbortController>(undefined)
  const question = useDigits()
  const digits = question.asked?.digits
  const work = useWork()
  useEffect(
    () => () => {
      running.current?.abort()
    },
    [],
  )
  const answer = async ({ ownerId, requestId }: AskedOfMe): Promise<void> => {
    const { signal } = (running.current = new AbortController())
    const { status } = await device.sync.contacts.answer({
      identity: await readIdentity(device),
      ownerId,
      requestId,
      signal,
      confirm: ({ digits, ownerName }) => question.ask({ digits, label: ownerName, signal }),
    })
    if (status === 'answered') setSaid({ tone: 'good', text: words.given })
    else setSaid({ tone: 'bad', text: status === 'refused' ? words.declined : words.over })
    onAnswered()
  }
  const start = (request: AskedOfMe): void => {
    setSaid(undefined)
    work.run(
      () => answer(request),
      (fault) => {
        if (!isKeyhavenError(fault, 'ERR_ENVELOPE_REJECTED')) return ways.onFault(fault)
        setSaid({ tone: 'bad', text: words.notOpen })
        return true
      },
    )
  }
  return (
    <>
      {said !== undefined && <Notice tone={said.tone}>{said.text}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      {digits !== undefined && question.asked !== undefined ? (
        <HearDigits asked={{ ...question.asked, digits }} />
      ) : (
        <Card title={words.whoAsks}>
          {asked.length === 0 && <p className="empty">{words.askedNobody}</p>}
          {asked.length > 0 && (
            <ul className="devices">
              {asked.map((request) => (
                <Request
                  key={request.ownerId + request.requestId}
                  request={request}
                  known={names.get(request.ownerId)}
                  busy={work.busy}
                  onAnswer={() => {
                    start(request)
                  }}
                />
              ))}
            </ul>
          )}
        </Card>
      )}
    </>
  )
}

function Request(input: {
  readonly request: AskedOfMe
  /** What this person calls the account that asks. */
  readonly known: string | undefined
  readonly busy: boolean
  readonly onAnswer: () => void
}): ReactNode {
  const { contacts: words } = useTexts()
  const { request, known } = input
  const { ownerName = words.unknownName } = request
  return (
    <li>
      <strong>
        <bdi>{ownerName}</bdi>
      </strong>
      <small>{known === undefined ? words.strange : words.inTalks(known)}</small>
      <small>{words.askedBy(request.label, sayDate(request.requestedAt))}</small>
      {request.answered ? (
        <span>{words.askedDone}</span>
      ) : request.due ? (
        <span className="actions">
          <Button
            className="secondary"
            aria-label={`${words.answer}: ${ownerName}`}
            isPending={input.busy}
            onPress={input.onAnswer}
          >
            {words.answer}
          </Button>
        </span>
      ) : (
        <span>{words.askedWaits(sayDate(request.dueAt))}</span>
      )}
    </li>
  )
}
