/** Asks what to call the other person of a conversation. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { MOST_NAME_CHARACTERS } from '../device/conversations.ts'
import { useTexts } from '../texts/use-texts.ts'
import { Field, Form } from './parts.tsx'
import type { ScreenInput } from './screen-input.ts'
import { useWork } from './use-work.ts'

export function NameForm({
  ways,
  go,
  onName,
  before = '',
  large = false,
}: Pick<ScreenInput, 'ways'> & {
  readonly go: string
  /** Called with a name that is not empty. */
  readonly onName: (name: string) => Promise<void>
  /** The name until now. */
  readonly before?: string | undefined
  readonly large?: boolean
}): ReactNode {
  const { talk: words } = useTexts()
  const [text, setText] = useState(before)
  const work = useWork()
  const name = text.trim()
  return (
    <Form
      onSubmit={() => {
        if (name !== '') work.run(() => onName(name), ways.onFault)
      }}
      go={go}
      busy={work.busy}
    >
      <Field
        label={words.who}
        hint={words.whoHint}
        value={text}
        onChange={setText}
        error={work.error}
        maxLength={MOST_NAME_CHARACTERS}
        large={large}
      />
    </Form>
  )
}
