/** Somebody came by an invitation link: what it is, what to call who sent it, and in. */
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { dropInvitation, readInvitation } from '../components/invitation.ts'
import { NameForm } from '../components/name-form.tsx'
import { Notice, Title } from '../components/parts.tsx'
import type { ScreenInput } from '../components/screen-input.ts'
import { replaceRoute } from '../components/use-route.ts'
import { joinByLink } from '../device/conversations.ts'
import { useTexts } from '../texts/use-texts.ts'

export function Join({ device, ways }: ScreenInput): ReactNode {
  const { talk: words } = useTexts()
  const [refused, setRefused] = useState<'notThere' | 'forgedLink'>()
  const code = readInvitation()
  useEffect(() => {
    if (code === undefined) replaceRoute('')
  }, [code])
  const join = async (name: string): Promise<void> => {
    const outcome = await joinByLink(device, { code: code ?? '', name })
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
        <NameForm ways={ways} go={words.join} onName={join} large />
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
