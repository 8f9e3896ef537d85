/** The word that finds what is behind a second PIN, and what that hides from whom. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Card, Field, Form } from '../../components/parts.tsx'
import type { Work } from '../../components/use-work.ts'
import { useTexts } from '../../texts/use-texts.ts'

export function Word({
  work,
  onWord,
}: {
  readonly work: Work
  readonly onWord: (word: string, onRefused: () => void) => void
}): ReactNode {
  const { second: words } = useTexts()
  const [word, setWord] = useState('')
  const [refused, setRefused] = useState(false)
  return (
    <>
      <Form
        onSubmit={() => {
          setRefused(false)
          onWord(word, () => {
            setRefused(true)
          })
        }}
        go={words.send}
        busy={work.busy}
      >
        <Field
          label={words.word}
          hint={words.wordHint}
          value={word}
          onChange={setWord}
          error={refused ? words.noWord : work.error}
          large
        />
      </Form>
      <Card title={words.means}>
        <ul className="hides">
          {words.hides.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
        <ul className="hides not">
          {words.hidesNot.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      </Card>
    </>
  )
}
