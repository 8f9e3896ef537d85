/** The conversations of this person, by the names that he gave them. */
import type { ListedKey } from 'keyhaven/sync'
import { useCallback, useState } from 'react'
import type { ReactNode } from 'react'
import type { Ways } from '../app.tsx'
import type { Device } from '../device/device.ts'
import type { ListedConversation } from '../messenger/messenger.ts'
import { explainFault } from '../texts/explain-fault.ts'
import { useTexts } from '../texts/use-texts.ts'
import { Card, Notice } from './parts.tsx'
import { useAwaited } from './together.tsx'
import { useLooks } from './use-looks.ts'

const LOOK_EVERY_MS = 10_000

export function Conversations(input: {
  readonly device: Device
  readonly ways: Ways
  readonly keys: readonly ListedKey[]
}): ReactNode {
  const { device, ways, keys } = input
  const texts = useTexts()
  const { talk: words } = texts
  const [all, setAll] = useState<readonly ListedConversation[]>()
  const [trouble, setTrouble] = useState<string>()
  useAwaited(all === undefined && trouble === undefined)
  const { onFault } = ways
  const look = useCallback(async () => {
    try {
      const { messengerOf } = await import('../device/conversations.ts')
      setAll(await messengerOf(device).list())
      setTrouble(undefined)
    } catch (fault) {
      if (!onFault(fault)) setTrouble(explainFault(fault, texts))
    }
  }, [device, onFault, texts])
  useLooks(look, LOOK_EVERY_MS)
  const others = countOthers(keys, all)
  return (
    <Card title={words.title}>
      {trouble !== undefined && <Notice tone="bad">{trouble}</Notice>}
      {all?.length === 0 && <p className="empty">{words.none}</p>}
      <ul className="conversations">
        {all?.map((one) => (
          <li key={one.id}>
            <a href={`#/messages/${one.id}`}>
              <bdi>{one.name ?? words.unnamed}</bdi>
              <small>
                {one.joined ? words.count(one.messages) : words.waiting}
                {one.unread > 0 && <strong className="new">{words.unread(one.unread)}</strong>}
              </small>
            </a>
          </li>
        ))}
      </ul>
      {all !== undefined && others > 0 && <p className="hint">{words.others(others)}</p>}
      <a className="button" href="#/invite">
        {words.invite}
      </a>
    </Card>
  )
}

/** Conversations of other apps, whose keys are among this person's. */
function countOthers(keys: readonly ListedKey[], known: readonly ListedConversation[] | undefined): number {
  const names = keys.flatMap(({ kind, name }) => (kind === 'conversation' ? [name] : []))
  return new Set(names.filter((name) => known?.some(({ id }) => id === name) !== true)).size
}
