/** Somebody came by an invitation link: what it is, what to call who sent it, and in. */
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { Ways } from '../app.tsx'
import { dropInvitation, readInvitation } from '../components/invitation.ts'
import { Field, Form, Notice, Title } from '../components/parts.tsx'
import { replaceRoute } from '../components/use-route.ts'
import { useWork } from '../components/use-work.ts'
import { MOST_NAME_CHARACTERS, joinByLink } from '../device/conversations.ts'
import type { Device } from '../device/device.ts'
import { useTexts } from '../texts/use-texts.ts'

export function Join({ device, ways }: { readonly device: Device; readonly ways: Ways }): ReactNode {
  const { talk: words } = useTexts()
  const [name, setName] = useState('')
  const [refused, setRefused] = useState<'notThere' | 'forgedLink'>()
  const work = useWork()
  const code = readInvitation()
  useEffect(() => {
    if (code === undefined) replaceRoute('')
  }, [code])
  const join = async (): Promise<void> => {
    const outcome = await joinByLink(device, { code: code ?? '', name: name.trim() })
    if (outcome.status !== 'joined') {
      setRefused(outcome.status === 'forged' ? 'forgedLink' : 'notThere')
      return
    }
    dropInvitation()
    replaceRoute(`messages/${outcome.id}`)
  }
  return (
    <>
      <Title>{words.joinTitle}</Title>
      <p className="lead">{words.joinLead}</p>
      {refused === undefined ? (
        <Form
          onSubmit={() => {
            if (name.trim() !== '') work.run(join, ways.onFault)
          }}
          go={words.join}
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
      ) : (
        <Notice tone="bad">{words[refused]}</Notice>
      )}
      <Button
        className="quiet"
        onPress={() => {
          dropInvitation()
          replaceRoute('')
        }}
      >
        {words.joinNot}
      </Button>
    </>
  )
}
