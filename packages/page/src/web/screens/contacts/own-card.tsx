/** What this person gives to somebody who wants him as a contact, and the digits that he reads to him. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Digits } from '../../components/digits.tsx'
import { Card, Field, Form, Notice } from '../../components/parts.tsx'
import { saveFile } from '../../components/save-file.ts'
import type { ScreenInput } from '../../components/screen-input.ts'
import { useWork } from '../../components/use-work.ts'
import { makeCard } from '../../device/contacts.ts'
import { MOST_NAME_CHARACTERS } from '../../device/conversations.ts'
import { useTexts } from '../../texts/use-texts.ts'

export function OwnCard({ device, ways }: ScreenInput): ReactNode {
  const { contacts: words } = useTexts()
  const [name, setName] = useState('')
  const [card, setCard] = useState<{ readonly text: string; readonly digits: string }>()
  const work = useWork()
  const make = async (): Promise<void> => {
    setCard(await makeCard(device, name.trim()))
  }
  return (
    <Card title={words.card2}>
      <p>{words.card2Lead}</p>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      {card === undefined ? (
        <Form
          onSubmit={() => {
            if (name.trim() !== '') work.run(make, ways.onFault)
          }}
          go={words.makeCard}
          busy={work.busy}
        >
          <Field label={words.yourName} value={name} onChange={setName} maxLength={MOST_NAME_CHARACTERS} />
        </Form>
      ) : (
        <Made {...card} />
      )}
    </Card>
  )
}

function Made({ text, digits }: { readonly text: string; readonly digits: string }): ReactNode {
  const { contacts: words } = useTexts()
  const [copied, setCopied] = useState(false)
  return (
    <>
      <p className="actions">
        <Button
          className="secondary"
          onPress={() => {
            saveFile({ name: 'keyhaven-card.json', type: 'application/json', text })
          }}
        >
          {words.saveCard}
        </Button>
        <Button
          className="secondary"
          onPress={() => {
            void navigator.clipboard.writeText(text).then(() => {
              setCopied(true)
            })
          }}
        >
          {words.copyCard}
        </Button>
      </p>
      <p className="hint" role="status">
        {copied ? words.copied : ''}
      </p>
      <p>{words.cardDigits}</p>
      <Digits number={digits} />
    </>
  )
}
