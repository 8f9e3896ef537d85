/** Begins a conversation: a name for the other person, and then the link. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import type { Ways } from '../app.tsx'
import { Field, Form, Title } from '../components/parts.tsx'
import { replaceRoute } from '../components/use-route.ts'
import { useWork } from '../components/use-work.ts'
import { MOST_NAME_CHARACTERS, inviteSomebody } from '../device/conversations.ts'
import type { Device } from '../device/device.ts'
import { useTexts } from '../texts/use-texts.ts'

export function Invite({ device, ways }: { readonly device: Device; readonly ways: Ways }): ReactNode {
  const { talk: words, nav } = useTexts()
  const [name, setName] = useState('')
  const work = useWork()
  const invite = async (): Promise<void> => {
    const { id } = await inviteSomebody(device, name.trim())
    replaceRoute(`messages/${id}`)
  }
  return (
    <>
      <a className="back" href="#/">
        <span aria-hidden="true">‹ </span>
        {nav.home}
      </a>
      <Title>{words.invite}</Title>
      <p className="lead">{words.inviteLead}</p>
      <Form
        onSubmit={() => {
          if (name.trim() !== '') work.run(invite, ways.onFault)
        }}
        go={words.makeLink}
        busy={work.busy}
      >
        <Field
          label={words.who}
          hint={words.whoHint}
          value={name}
          onChange={setName}
          error={work.error}
          maxLength={MOST_NAME_CHARACTERS}
          large
        />
      </Form>
    </>
  )
}
