/** A conversation while it is open: looked at every few seconds, and at once when somebody comes back to it. */
import { useCallback, useEffect, useState } from 'react'
import type { Ways } from '../app.tsx'
import { backUp, messengerOf } from '../device/conversations.ts'
import type { Device } from '../device/device.ts'
import type { View } from '../messenger/view.ts'
import { explainFault } from '../texts/explain-fault.ts'
import { useTexts } from '../texts/use-texts.ts'
import { useLooks } from './use-looks.ts'
import { useOutgoing } from './use-outgoing.ts'
import type { Outgoing } from './use-outgoing.ts'

const LOOK_EVERY_MS = 3000

export interface Talk extends Outgoing {
  /** `undefined` until the first look. */
  readonly view: View | undefined
  readonly setView: (view: View) => void
  /** What this person calls the other one. */
  readonly name: string | undefined
  readonly setName: (name: string) => void
  /** Why the last look failed. */
  readonly trouble: string | undefined
}

export interface TalkInput {
  readonly device: Device
  readonly ways: Ways
  /** 32 hex digits. */
  readonly id: string
}

export function useConversation({ device, ways, id }: TalkInput): Talk {
  const texts = useTexts()
  const { onFault } = ways
  const messenger = messengerOf(device)
  const [view, setView] = useState<View>()
  const [name, setName] = useState<string>()
  const [trouble, setTrouble] = useState<string>()
  const { setUnsent, ...outgoing } = useOutgoing({ messenger, id, onView: setView, onFault })
  const look = useCallback(async () => {
    try {
      const next = await messenger.read(id)
      setView(next)
      setUnsent(await messenger.unsent(id))
      setTrouble(undefined)
      // Another device may have backed the keys up meanwhile.
      if (next.status === 'no-key') await backUp(device)
    } catch (fault) {
      if (!onFault(fault)) setTrouble(explainFault(fault, texts))
    }
  }, [device, messenger, id, setUnsent, onFault, texts])
  useLooks(look, LOOK_EVERY_MS)
  useEffect(() => {
    // What was not sent is there without a connection, too; that there is none, the look says.
    void messenger.unsent(id).then(setUnsent).catch(onFault)
    void messenger
      .list()
      .then((all) => {
        setName(all.find((one) => one.id === id)?.name)
      })
      .catch(onFault)
  }, [messenger, id, setUnsent, onFault])
  return { view, setView, name, setName, trouble, ...outgoing }
}
