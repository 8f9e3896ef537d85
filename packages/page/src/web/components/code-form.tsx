/** The code that was sent to a number. */
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { useTexts } from '../texts/use-texts.ts'
import { Field, Form, Title } from './parts.tsx'
import type { Work } from './use-work.ts'

export function CodeForm(input: {
  readonly phone: string
  readonly work: Work
  /** Called with digits alone. */
  readonly onCode: (code: string) => void
  /** What the way back is called. */
  readonly other: string
  readonly onOther: () => void
}): ReactNode {
  const { code: words } = useTexts()
  const [code, setCode] = useState('')
  const { phone, work } = input
  return (
    <>
      <Title>{words.title}</Title>
      <p className="lead">{words.lead(phone)}</p>
      <Form
        onSubmit={() => {
          input.onCode(code.replaceAll(/\D/g, ''))
        }}
        go={words.check}
        busy={work.busy}
      >
        <Field
          label={words.label}
          value={code}
          onChange={setCode}
          inputMode="numeric"
          autoComplete="one-time-code"
          error={work.error}
          large
        />
      </Form>
      <Button className="quiet" onPress={input.onOther}>
        {input.other}
      </Button>
      <Inbox phone={phone} onCode={setCode} />
    </>
  )
}

/** On one's own machine no text message is sent: the code is shown here, and marked as a trial. */
function Inbox({
  phone,
  onCode,
}: {
  readonly phone: string
  readonly onCode: (code: string) => void
}): ReactNode {
  const { code: words } = useTexts()
  const isOn = document.querySelector<HTMLMetaElement>('meta[name="keyhaven-inbox"]')?.content === 'on'
  const [code, setCode] = useState<string>()
  useEffect(() => {
    if (!isOn) return
    const ask = { method: 'POST', body: JSON.stringify({ phone }) }
    void fetch('/inbox', ask)
      .then((answer) => answer.json())
      .then((answer: { readonly code: string | null }) => {
        setCode(answer.code ?? undefined)
      })
      .catch(() => undefined)
  }, [isOn, phone])
  if (!isOn) return null
  return (
    <aside className="inbox" aria-label={words.inbox}>
      <h2>{words.inbox}</h2>
      <p>{words.inboxLead}</p>
      <p className="inbox-code">{code ?? words.inboxEmpty}</p>
      {code !== undefined && (
        <Button
          className="quiet"
          onPress={() => {
            onCode(code)
          }}
        >
          {words.use}
        </Button>
      )}
    </aside>
  )
}
