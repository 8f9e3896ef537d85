/** People who gave a card: on the list once they have read its thirty digits aloud. */
import type { NewContact } from 'keyhaven/sync'
import { useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { ChooseFile } from '../../components/choose-file.tsx'
import { Digits } from '../../components/digits.tsx'
import { Card, Field, Form } from '../../components/parts.tsx'
import { readCard } from '../../device/contacts.ts'
import { useTexts } from '../../texts/use-texts.ts'

const MOST_BYTES = 16_384

export function FromCard(input: {
  readonly chosen: readonly NewContact[]
  /** Why somebody cannot be added. */
  readonly refuse: (contact: NewContact) => string | undefined
  readonly onAdd: (contact: NewContact) => void
  readonly onDrop: (contact: NewContact) => void
}): ReactNode {
  const { contacts: words } = useTexts()
  const [text, setText] = useState('')
  const [problem, setProblem] = useState<string>()
  const [asked, setAsked] = useState<ReturnType<typeof readCard>>()
  const read = (): void => {
    const card = readCard(text)
    const refused = card === undefined ? words.noCard : input.refuse(card.contact)
    setProblem(refused)
    if (refused === undefined) setAsked(card)
  }
  const answer = (contact?: NewContact): void => {
    setAsked(undefined)
    setText('')
    if (contact !== undefined) input.onAdd(contact)
  }
  return (
    <Card title={words.byCard}>
      <p>{words.byCardLead}</p>
      {input.chosen.length > 0 && (
        <ul className="choosable">
          {input.chosen.map((contact) => (
            <li key={contact.accountId}>
              <span>
                <bdi>{contact.name}</bdi>
                <small>{words.added}</small>
              </span>
              <Button
                className="quiet"
                aria-label={`${words.takeAway}: ${contact.name}`}
                onPress={() => {
                  input.onDrop(contact)
                }}
              >
                {words.takeAway}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {asked === undefined ? (
        <Form onSubmit={read} go={words.read}>
          <ChooseFile
            go={words.file}
            most={MOST_BYTES}
            onText={(file) => {
              setText(file ?? '')
              setProblem(file === undefined ? words.noCard : undefined)
            }}
          />
          <Field
            label={words.card}
            value={text}
            onChange={setText}
            lines={3}
            hint={words.cardHint}
            error={problem}
          />
        </Form>
      ) : (
        <Compare {...asked} onAnswer={answer} />
      )}
    </Card>
  )
}

function Compare(input: {
  readonly contact: NewContact
  readonly digits: string
  readonly onAnswer: (contact?: NewContact) => void
}): ReactNode {
  const { contacts: words } = useTexts()
  const { contact } = input
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus()
  }, [])
  return (
    <>
      <h3 ref={heading} tabIndex={-1}>
        {words.isIt(contact.name)}
      </h3>
      <Digits number={input.digits} />
      <p>{words.isItLead}</p>
      <p className="actions">
        <Button
          className="secondary"
          onPress={() => {
            input.onAnswer(contact)
          }}
        >
          {words.add}
        </Button>
        <Button
          className="quiet"
          onPress={() => {
            input.onAnswer()
          }}
        >
          {words.drop}
        </Button>
      </p>
    </>
  )
}
