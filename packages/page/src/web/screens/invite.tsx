/** Begins a conversation: a name for the other person, and then the link. */
import type { ReactNode } from 'react'
import { NameForm } from '../components/name-form.tsx'
import { Title } from '../components/parts.tsx'
import type { ScreenInput } from '../components/screen-input.ts'
import { replaceRoute } from '../components/use-route.ts'
import { inviteSomebody } from '../device/conversations.ts'
import { useTexts } from '../texts/use-texts.ts'

export function Invite({ device, ways }: ScreenInput): ReactNode {
  const { talk: words, nav } = useTexts()
  const invite = async (name: string): Promise<void> => {
    const { id } = await inviteSomebody(device, name)
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
      <NameForm ways={ways} go={words.makeLink} onName={invite} large />
    </>
  )
}
