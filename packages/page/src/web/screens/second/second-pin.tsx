/** A second PIN: word, code, and the PIN or a new one. Whoever has keys here can put some of them there. */
import { isKeyhavenError } from 'keyhaven'
import { useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { Ways } from '../../app.tsx'
import { CodeForm } from '../../components/code-form.tsx'
import { Notice, Title } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { useWork } from '../../components/use-work.ts'
import type { Device } from '../../device/device.ts'
import { askForSecond, closeSecond, enterSecond } from '../../device/second.ts'
import type { AskedSecond } from '../../device/second.ts'
import { useTexts } from '../../texts/use-texts.ts'
import { WithPin } from '../restore/with-pin.tsx'
import { NewSecond } from './new-second.tsx'
import { PutBehind } from './put-behind.tsx'
import { Word } from './word.tsx'

type Step =
  | { readonly at: 'word'; readonly nothing?: boolean }
  | { readonly at: 'code'; readonly asked: AskedSecond }
  | { readonly at: 'pin' | 'new' | 'put'; readonly second: Device }

/** `hasKeys` where the first PIN is open: only there something new is made. */
export function SecondPin({ device, ways, hasKeys }: ScreenInput & { readonly hasKeys: boolean }): ReactNode {
  const { second: words } = useTexts()
  const [step, setStep] = useState<Step>({ at: 'word' })
  /** Signed in, and not handed on: left when the person goes elsewhere. */
  const held = useRef<Device>(undefined)
  const work = useWork()
  useEffect(
    () => () => {
      if (held.current !== undefined) void closeSecond(held.current)
    },
    [],
  )
  const handOn = (second: Device): void => {
    held.current = undefined
    ways.second(second)
  }
  const startAgain = (nothing = false): void => {
    const left = held.current
    held.current = undefined
    setStep({ at: 'word', nothing })
    if (left !== undefined) void closeSecond(left)
  }
  /** What happens to what is behind the second PIN is nothing of the first. */
  const waysHere: Ways = {
    ...ways,
    signedIn: () => {
      startAgain(true)
    },
    onFault: (fault) => {
      const ended = isKeyhavenError(fault, 'ERR_SIGNED_OUT') || isKeyhavenError(fault, 'ERR_DEVICE_REMOVED')
      if (ended) startAgain()
      return ended
    },
  }
  const ask = (word: string, onRefused: () => void): void => {
    work.run(async () => {
      const asked = await askForSecond(device.sync.phone, word)
      if (asked === undefined) onRefused()
      else setStep({ at: 'code', asked })
    })
  }
  const enter = (asked: AskedSecond, code: string): void => {
    work.run(async () => {
      const found = await enterSecond(asked, code)
      held.current = found.device
      if (found.status === 'pin-needed') setStep({ at: 'pin', second: found.device })
      else if (hasKeys) setStep({ at: 'new', second: found.device })
      else startAgain(true)
    })
  }
  if (step.at === 'word')
    return (
      <>
        <Title>{words.title}</Title>
        <p className="lead">{words.lead}</p>
        {step.nothing === true && <Notice tone="bad">{words.nothing}</Notice>}
        <Word work={work} onWord={ask} />
      </>
    )
  if (step.at === 'code') {
    const { asked } = step
    return (
      <CodeForm
        phone={asked.phone}
        work={work}
        onCode={(code) => {
          enter(asked, code)
        }}
        other={words.otherWord}
        onOther={() => {
          startAgain()
        }}
      />
    )
  }
  const { second } = step
  if (step.at === 'put') return <PutBehind first={device} second={second} ways={waysHere} onDone={handOn} />
  const next = (): void => {
    if (hasKeys) setStep({ at: 'put', second })
    else handOn(second)
  }
  return (
    <>
      {step.at === 'new' ? (
        <NewSecond second={second} onMade={next} />
      ) : (
        <WithPin
          device={second}
          ways={waysHere}
          onRestored={next}
          title={words.enterTitle}
          lead={words.enterLead}
        />
      )}
      <Button
        className="quiet"
        onPress={() => {
          startAgain()
        }}
      >
        {words.otherWord}
      </Button>
    </>
  )
}
