/** The first device's keys: made anew, or brought from where a person has them. */
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Label, Radio, RadioGroup, Text } from 'react-aria-components'
import type { Device } from '../device/device.ts'
import { useTexts } from '../texts/use-texts.ts'
import { BringKey } from './bring-key.tsx'
import { BringPubPay } from './bring-pubpay.tsx'
import { BringQryptChat } from './bring-qryptchat.tsx'
import { Form, Notice, Title } from './parts.tsx'
import { usePubPay } from './use-pubpay.ts'
import { useWork } from './use-work.ts'

export function ChooseKeys({
  device,
  onNext,
}: {
  readonly device: Device
  /** `finish` is for when the keys are backed up. */
  readonly onNext: (finish?: () => Promise<void>) => void
}): ReactNode {
  const texts = useTexts()
  const { keys: words, imports, unfinished } = texts
  const [hasKeys, setHasKeys] = useState(false)
  useEffect(() => {
    void device.sync.keys.listKeys().then(({ length }) => {
      setHasKeys(length > 0)
    })
  }, [device])
  const [pubpay] = usePubPay()
  const [choice, setChoice] = useState<string>('make')
  const work = useWork()
  const next = (finish?: () => Promise<void>): void => {
    work.run(async () => {
      const { makeIdentity } = await import('../device/keys.ts')
      await makeIdentity(device)
      onNext(finish)
    })
  }
  const choices = [
    hasKeys
      ? { name: 'make', title: unfinished.here, hint: unfinished.hereHint }
      : { name: 'make', title: words.make, hint: words.makeHint },
    ...(pubpay === undefined
      ? []
      : [{ name: 'pubpay', title: imports.choices.pubpay, hint: imports.choices.pubpayHint }]),
    { name: 'bring', title: words.bring, hint: words.bringHint },
    { name: 'qryptchat', title: imports.choices.qryptchat, hint: imports.choices.qryptchatHint },
  ]
  return (
    <>
      <Title>{words.title}</Title>
      <p className="lead">{words.lead}</p>
      <RadioGroup className="choices" value={choice} onChange={setChoice}>
        <Label className="quiet-label">{words.title}</Label>
        {choices.map(({ name, title, hint }) => (
          <Radio key={name} value={name} className="choice">
            <strong>{title}</strong>
            <Text slot="description">{hint}</Text>
          </Radio>
        ))}
      </RadioGroup>
      {choice === 'make' && (
        <Form
          onSubmit={() => {
            next()
          }}
          go={texts.next}
          busy={work.busy}
        />
      )}
      {choice === 'bring' && <BringKey device={device} go={texts.next} onBrought={next} />}
      {choice === 'qryptchat' && <BringQryptChat device={device} go={texts.next} onBrought={next} />}
      {choice === 'pubpay' && pubpay !== undefined && (
        <BringPubPay
          device={device}
          hasPassword={pubpay.mode === 'password'}
          go={texts.next}
          onBrought={next}
        />
      )}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
    </>
  )
}
