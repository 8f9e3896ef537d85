/** What was written here and has not arrived: on its way, or not sent and waiting for the person. */
import { useState } from 'react'
import { MOST_TEXT_BYTES, generateMessageId } from '../device/conversations.ts'
import type { Messenger } from '../messenger/messenger.ts'
import type { Unsent } from '../messenger/unsent.ts'
import type { View } from '../messenger/view.ts'
import { explainFault, isOffline } from '../texts/explain-fault.ts'
import { useTexts } from '../texts/use-texts.ts'

export interface Outgoing {
  readonly outgoing: readonly (Unsent & { readonly isOnItsWay: boolean })[]
  /** Why a text was not taken. */
  readonly refusal: string | undefined
  /** False for a text that is too long. */
  readonly send: (text: string) => boolean
  readonly sendAgain: (unsent: Unsent) => void
  readonly giveUp: (unsent: Unsent) => void
}

export function useOutgoing(input: {
  readonly messenger: Messenger
  readonly id: string
  readonly onView: (view: View) => void
  readonly onFault: (fault: unknown) => boolean
}): Outgoing & { readonly setUnsent: (unsent: readonly Unsent[]) => void } {
  const { messenger, id, onView, onFault } = input
  const texts = useTexts()
  const [refusal, setRefusal] = useState<string>()
  const [unsent, setUnsent] = useState<readonly Unsent[]>([])
  const [onTheWay, setOnTheWay] = useState<readonly Unsent[]>([])
  const deliver = async (written: Unsent): Promise<void> => {
    setRefusal(undefined)
    setOnTheWay((others) => [...others, written])
    let arrived = false
    try {
      const next = await messenger.send(id, written.text, written.messageId)
      onView(next)
      arrived = next.status === 'ready'
    } catch (fault) {
      if (!onFault(fault) && !isOffline(fault)) setRefusal(explainFault(fault, texts))
    }
    setUnsent((others) => [...without(others, written), ...(arrived ? [] : [written])])
    setOnTheWay((others) => without(others, written))
  }
  return {
    setUnsent,
    refusal,
    outgoing: [
      ...onTheWay.reduce(without, unsent).map((one) => ({ ...one, isOnItsWay: false })),
      ...onTheWay.map((one) => ({ ...one, isOnItsWay: true })),
    ],
    send: (text) => {
      const fits = new TextEncoder().encode(text).length <= MOST_TEXT_BYTES
      if (fits) void deliver({ messageId: generateMessageId(), text })
      else setRefusal(texts.talk.tooLong)
      return fits
    },
    sendAgain: (written) => {
      void deliver(written)
    },
    giveUp: (written) => {
      setUnsent((others) => without(others, written))
      void messenger.giveUp(id, written.messageId).catch(onFault)
    },
  }
}

function without(all: readonly Unsent[], { messageId }: Unsent): readonly Unsent[] {
  return all.filter((one) => one.messageId !== messageId)
}
