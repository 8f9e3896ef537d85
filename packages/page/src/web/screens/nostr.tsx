/** The Nostr key: shown as text and picture, used to sign, taken elsewhere under a password. */
import type { SignedEvent } from 'keyhaven/nostr'
import { useCallback, useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { BringKey } from '../components/bring-key.tsx'
import { BringPubPay } from '../components/bring-pubpay.tsx'
import { Card, Field, Form, Notice, Title } from '../components/parts.tsx'
import { Picture } from '../components/picture.tsx'
import { usePubPay } from '../components/use-pubpay.ts'
import { useWork } from '../components/use-work.ts'
import type { Device } from '../device/device.ts'
import { useTexts } from '../texts/use-texts.ts'

export function Nostr({ device }: { readonly device: Device }): ReactNode {
  const { nostr: words, imports } = useTexts()
  const [pubpay, forgetPubPay] = usePubPay()
  const [npub, setNpub] = useState<string | null>()
  const work = useWork()
  const look = useCallback(async (): Promise<void> => {
    const { readNpub } = await import('../device/keys.ts')
    setNpub((await readNpub(device)) ?? null)
  }, [device])
  const make = async (): Promise<void> => {
    const { makeNostrKey } = await import('../device/keys.ts')
    setNpub(await makeNostrKey(device))
    await device.sync.sync()
  }
  const { run } = work
  useEffect(() => {
    run(look)
  }, [run, look])
  return (
    <>
      <Title>{words.title}</Title>
      <p className="lead">{words.lead}</p>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      {npub === null && (
        <Card title={words.empty}>
          <p className="empty">{words.emptyLead}</p>
          <Button
            className="primary"
            isPending={work.busy}
            onPress={() => {
              work.run(make)
            }}
          >
            {words.make}
          </Button>
          <BringKey
            device={device}
            go={words.bring}
            onBrought={() => {
              work.run(async () => {
                await look()
                await device.sync.sync()
              })
            }}
          />
        </Card>
      )}
      {npub !== undefined && pubpay !== undefined && (
        <Card title={imports.pubpay.title}>
          <BringPubPay
            device={device}
            hasPassword={pubpay.mode === 'password'}
            go={imports.pubpay.move}
            onBrought={(finish) => {
              work.run(async () => {
                await look()
                const { status } = await device.sync.sync()
                if (status === 'synced') await finish()
                forgetPubPay()
              })
            }}
          />
        </Card>
      )}
      {typeof npub === 'string' && (
        <>
          <Card title={words.public}>
            <p>{words.publicLead}</p>
            <p className="digits">{npub}</p>
            <Picture text={npub} label={words.qr} />
          </Card>
          <SignNote device={device} />
          <TakeElsewhere device={device} />
        </>
      )}
    </>
  )
}

function SignNote({ device }: { readonly device: Device }): ReactNode {
  const { nostr: words } = useTexts()
  const [content, setContent] = useState('')
  const [signed, setSigned] = useState<SignedEvent>()
  const work = useWork()
  const sign = async (): Promise<void> => {
    const { signEvent, verifyEvent } = await import('keyhaven/nostr')
    const event = await signEvent({
      vault: device.vault,
      event: { kind: 1, created_at: Math.floor(Date.now() / 1000), tags: [], content },
    })
    if (verifyEvent(event)) setSigned(event)
  }
  return (
    <Card title={words.note}>
      <Form
        onSubmit={() => {
          work.run(sign)
        }}
        go={words.sign}
        busy={work.busy}
      >
        <Field label={words.noteLabel} value={content} onChange={setContent} error={work.error} />
      </Form>
      {signed !== undefined && (
        <>
          <Notice tone="good">{words.valid}</Notice>
          <pre tabIndex={0} role="region" aria-label={words.signed}>
            {JSON.stringify(signed, null, 2)}
          </pre>
        </>
      )}
    </Card>
  )
}

function TakeElsewhere({ device }: { readonly device: Device }): ReactNode {
  const { nostr: words } = useTexts()
  const [password, setPassword] = useState('')
  const [text, setText] = useState<string>()
  const work = useWork()
  const show = async (): Promise<void> => {
    const { lockNostrKey } = await import('../device/keys.ts')
    setText(await lockNostrKey(device, password))
    setPassword('')
  }
  return (
    <Card title={words.export}>
      <p>{words.exportLead}</p>
      <Form
        onSubmit={() => {
          work.run(show)
        }}
        go={words.exportGo}
        busy={work.busy}
      >
        <Field
          label={words.exportPassword}
          value={password}
          onChange={setPassword}
          type="password"
          autoComplete="new-password"
          error={work.error}
        />
      </Form>
      {text !== undefined && (
        <p className="digits" role="status" aria-label={words.exportResult}>
          {text}
        </p>
      )}
    </Card>
  )
}
