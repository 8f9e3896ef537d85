/** About a conversation: whether it is the right person, his name, a new key, and the end of it. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { ConfirmedButton } from '../components/confirm.tsx'
import { Digits } from '../components/digits.tsx'
import { NameForm } from '../components/name-form.tsx'
import { Card, Notice, Title } from '../components/parts.tsx'
import { useConversation } from '../components/use-conversation.ts'
import type { Talk, TalkInput } from '../components/use-conversation.ts'
import { goTo } from '../components/use-route.ts'
import { useWork } from '../components/use-work.ts'
import { messengerOf } from '../device/conversations.ts'
import { useTexts } from '../texts/use-texts.ts'

interface Part extends TalkInput {
  readonly talk: Talk
  readonly name: string
}

export function AboutConversation(input: TalkInput): ReactNode {
  const { talk: words } = useTexts()
  const talk = useConversation(input)
  const name = talk.name ?? words.unnamed
  const part = { ...input, talk, name }
  return (
    <>
      <a className="back" href={`#/messages/${input.id}`}>
        <span aria-hidden="true">‹ </span>
        {words.back}
      </a>
      <Title>
        <bdi>{name}</bdi>
      </Title>
      {talk.trouble !== undefined && <Notice tone="bad">{talk.trouble}</Notice>}
      <Numbers {...part} />
      <Rename key={talk.name} {...part} />
      {talk.view?.status === 'ready' && <NewKey {...part} />}
      <Remove {...part} />
    </>
  )
}

function Numbers({ device, ways, id, talk, name }: Part): ReactNode {
  const { talk: words } = useTexts()
  const work = useWork()
  const { view } = talk
  if (view?.status === 'changed')
    return (
      <Card title={words.isIt(name)}>
        <Notice tone="bad">{words.changed}</Notice>
        <p>{words.numberBefore}</p>
        <Digits number={view.before} />
        <p>{words.numberNow}</p>
        <Digits number={view.now} />
      </Card>
    )
  if (view?.status !== 'ready') return null
  const markCompared = async (): Promise<void> => {
    const messenger = messengerOf(device)
    await messenger.markCompared(id)
    talk.setView(await messenger.read(id))
  }
  return (
    <Card title={words.isIt(name)}>
      <p>{words.compareLead(name)}</p>
      <Digits number={view.safetyNumber} />
      {view.compared ? (
        <Notice tone="good">{words.compared(name)}</Notice>
      ) : (
        <>
          <p className="hint">{words.different}</p>
          <Button
            className="secondary"
            isPending={work.busy}
            onPress={() => {
              work.run(markCompared, ways.onFault)
            }}
          >
            {words.same}
          </Button>
        </>
      )}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
    </Card>
  )
}

function Rename({ device, ways, id, talk }: Part): ReactNode {
  const { talk: words, save } = useTexts()
  const rename = async (name: string): Promise<void> => {
    await messengerOf(device).rename(id, name)
    talk.setName(name)
  }
  return (
    <Card title={words.name}>
      <NameForm ways={ways} go={save} onName={rename} before={talk.name} />
    </Card>
  )
}

function NewKey({ device, ways, id, talk }: Part): ReactNode {
  const { talk: words } = useTexts()
  const [done, setDone] = useState(false)
  const work = useWork()
  const renew = async (): Promise<void> => {
    talk.setView(await messengerOf(device).renew(id))
    setDone(true)
  }
  return (
    <Card title={words.keyTitle}>
      <p>{words.keyLead}</p>
      <Button
        className="secondary"
        isPending={work.busy}
        onPress={() => {
          work.run(renew, ways.onFault)
        }}
      >
        {words.keyGo}
      </Button>
      {done && <Notice tone="good">{words.newKey}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
    </Card>
  )
}

function Remove({ device, ways, id, name }: Part): ReactNode {
  const { talk: words } = useTexts()
  return (
    <Card title={words.remove}>
      <p>{words.removeLead}</p>
      <ConfirmedButton
        className="danger quietly"
        label={words.remove}
        title={words.removeTitle(name)}
        lead={words.removeLead}
        go={words.removeYes}
        onGo={async () => {
          await messengerOf(device).remove(id)
          goTo('')
        }}
        onFault={ways.onFault}
      />
    </Card>
  )
}
