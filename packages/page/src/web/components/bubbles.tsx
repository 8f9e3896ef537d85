/** The messages of a conversation, oldest first: as text, whatever is in them. */
import { useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { View } from '../messenger/view.ts'
import { sayClock, sayRecentDay, useTexts } from '../texts/use-texts.ts'
import type { Outgoing } from './use-outgoing.ts'

type Entries = Extract<View, { readonly status: 'ready' }>['entries']
type Entry = Entries[number]

/** So many are shown at first. */
const SHOWN = 200

export function Bubbles(input: {
  readonly entries: Entries
  readonly name: string
  readonly talk: Outgoing
}): ReactNode {
  const { entries, name, talk } = input
  const { talk: words } = useTexts()
  const [shown, setShown] = useState(SHOWN)
  const latest = entries.slice(-shown)
  const end = useFollow(entries.length + talk.outgoing.length)
  return (
    <div className="bubbles" role="log" aria-label={words.messages}>
      {latest.length < entries.length && (
        <Button
          className="quiet"
          onPress={() => {
            setShown(shown + SHOWN)
          }}
        >
          {words.older}
        </Button>
      )}
      {entries.length + talk.outgoing.length === 0 && <p className="empty">{words.empty}</p>}
      <ol>
        {latest.map((entry, index) => (
          <Row key={entry.place} entry={entry} before={latest[index - 1]} name={name} />
        ))}
        {talk.outgoing.map((one) => (
          <li key={one.messageId} className={`bubble mine ${one.isOnItsWay ? 'sending' : 'unsent'}`}>
            <p dir="auto">{one.text}</p>
            <small>{one.isOnItsWay ? words.sending : words.notSent}</small>
            {!one.isOnItsWay && (
              <span className="actions">
                <Button
                  className="quiet"
                  onPress={() => {
                    talk.sendAgain(one)
                  }}
                >
                  {words.sendAgain}
                </Button>
                <Button
                  className="quiet"
                  onPress={() => {
                    talk.giveUp(one)
                  }}
                >
                  {words.giveUp}
                </Button>
              </span>
            )}
          </li>
        ))}
      </ol>
      <div ref={end} className="end" />
    </div>
  )
}

function Row(input: {
  readonly entry: Entry
  readonly before: Entry | undefined
  readonly name: string
}): ReactNode {
  const { entry, before, name } = input
  const { talk: words } = useTexts()
  const day = sayRecentDay(entry.sentAt)
  const isNewDay = before === undefined || sayRecentDay(before.sentAt) !== day
  return (
    <>
      {isNewDay && <li className="aside">{day}</li>}
      {entry.kind === 'new-key' ? (
        <li className="aside">{entry.place === 1 ? words.firstKey : words.newKey}</li>
      ) : (
        <li className={`bubble ${entry.mine ? 'mine' : 'theirs'} ${entry.kind}`}>
          <span className="quiet-label">{entry.mine ? words.you : name}: </span>
          <p dir="auto">{entry.kind === 'text' ? entry.text : words.unreadable}</p>
          <small>{sayClock(entry.sentAt)}</small>
        </li>
      )}
    </>
  )
}

/** Keeps the end in sight as messages come, unless the person has gone up to read. */
function useFollow(count: number): React.RefObject<HTMLDivElement | null> {
  const end = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(true)
  useEffect(() => {
    const note = (): void => {
      const { bottom } = end.current?.getBoundingClientRect() ?? { bottom: 0 }
      isAtEnd.current = bottom < innerHeight + 80
    }
    addEventListener('scroll', note, { passive: true })
    return () => {
      removeEventListener('scroll', note)
    }
  }, [])
  useEffect(() => {
    if (isAtEnd.current) end.current?.scrollIntoView({ block: 'end' })
  }, [count])
  return end
}
