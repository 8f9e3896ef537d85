/** One conversation: what was written, and where one writes. What stands against writing is said instead. */
import type { ReactNode } from 'react'
import { useState } from 'react'
import { Button } from 'react-aria-components'
import { Bubbles } from '../components/bubbles.tsx'
import { Composer } from '../components/composer.tsx'
import { Card, Notice, Title } from '../components/parts.tsx'
import { useConversation } from '../components/use-conversation.ts'
import type { Talk, TalkInput } from '../components/use-conversation.ts'
import { sayDate, useTexts } from '../texts/use-texts.ts'

export function Conversation(input: TalkInput): ReactNode {
  const { talk: words, loading, nav } = useTexts()
  const talk = useConversation(input)
  const name = talk.name ?? words.unnamed
  const { view } = talk
  return (
    <div className="talk">
      <div className="talk-head">
        <a className="back" href="#/">
          <span aria-hidden="true">‹ </span>
          {nav.home}
        </a>
        <Title>
          <bdi>{name}</bdi>
        </Title>
        <a className="about" href={`#/messages/${input.id}/about`}>
          {words.about}
        </a>
      </div>
      {talk.trouble !== undefined && <Notice tone="bad">{talk.trouble}</Notice>}
      {view === undefined && talk.trouble === undefined && <p role="status">{loading}</p>}
      {view !== undefined && view.status !== 'ready' && <Standing view={view} />}
      {view?.status === 'ready' && (
        <>
          {view.altered && <Notice tone="bad">{words.altered}</Notice>}
          {!view.compared && (
            <p className="hint">
              {words.notCompared} <a href={`#/messages/${input.id}/about`}>{words.compare}</a>
            </p>
          )}
          <Bubbles entries={view.entries} name={name} talk={talk} />
          <Composer refusal={talk.refusal} onSend={talk.send} />
        </>
      )}
    </div>
  )
}

function Standing({ view }: { readonly view: NonNullable<Talk['view']> }): ReactNode {
  const { talk: words } = useTexts()
  if (view.status === 'waiting') return <Waiting {...view} />
  if (view.status === 'gone') return <Notice>{words.gone}</Notice>
  if (view.status === 'no-key') return <Notice>{words.noKey}</Notice>
  return <Notice tone="bad">{view.status === 'forged' ? words.forged : words.changed}</Notice>
}

function Waiting(input: { readonly expiresAt: string; readonly code: string | undefined }): ReactNode {
  const { talk: words } = useTexts()
  const [copied, setCopied] = useState(false)
  const { code } = input
  if (code === undefined) return <Notice>{words.waitingElsewhere}</Notice>
  const link = `${location.origin}/#/join/${code}`
  return (
    <Card title={words.linkTitle}>
      <p>{words.linkLead(sayDate(input.expiresAt))}</p>
      <p className="digits link">{link}</p>
      <Button
        className="primary"
        onPress={() => {
          void navigator.clipboard.writeText(link).then(() => {
            setCopied(true)
          })
        }}
      >
        {words.copy}
      </Button>
      <p className="hint" role="status">
        {copied ? words.copied : words.linkWaits}
      </p>
    </Card>
  )
}
