/** The keys of this device, and whether all of them are backed up. */
import type { ListedKey, SyncStatus } from 'keyhaven/sync'
import { Suspense, lazy, useCallback, useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { Ways } from '../app.tsx'
import { Conversations } from '../components/conversations.tsx'
import type { ScreenInput } from '../components/screen-input.ts'
import { Card, Notice, Question, Title } from '../components/parts.tsx'
import { Awaited, Together, useAwaited } from '../components/together.tsx'
import { useWork } from '../components/use-work.ts'
import type { Device } from '../device/device.ts'
import { explainFault, isOffline } from '../texts/explain-fault.ts'
import { sayTime, useTexts } from '../texts/use-texts.ts'
import { Alerts } from './alerts.tsx'
import { StopDeletion } from './stop-deletion.tsx'

const ContactNews = lazy(async () => ({ default: (await import('./contacts/news.tsx')).ContactNews }))

interface Here {
  readonly keys: readonly ListedKey[]
  readonly fingerprint: string | undefined
  /** `undefined` without a connection. */
  readonly status: SyncStatus | undefined
}

export function Home(input: ScreenInput): ReactNode {
  const { home: words } = useTexts()
  return (
    <>
      <Title>{words.title}</Title>
      <Together>
        <Overview {...input} />
      </Together>
    </>
  )
}

function Overview({ device, ways }: ScreenInput): ReactNode {
  const texts = useTexts()
  const { home: words, imports } = texts
  const isSecond = device.session.level !== undefined
  const [here, setHere] = useState<Here>()
  const [asking, setAsking] = useState(false)
  const work = useWork()
  const [fault, setFault] = useState<unknown>()
  useAwaited(here === undefined && fault === undefined)
  const { onFault } = ways
  const look = useCallback(() => {
    void readHere(device).then(
      (found) => {
        setHere(found)
        setFault(undefined)
      },
      (found: unknown) => {
        if (!onFault(found)) setFault(found)
      },
    )
  }, [device, onFault])
  useEffect(() => {
    look()
    addEventListener('online', look)
    return () => {
      removeEventListener('online', look)
    }
  }, [look])
  const leaveNow = async (): Promise<void> => {
    const { leave } = await import('../device/device.ts')
    await leave(device)
    ways.left(device)
  }
  const removal = here?.status?.removal
  const elsewhere = (here?.keys ?? []).filter(({ name }) => /^keys\d+\./.test(name)).length
  return (
    <>
      {device.inMemory && !isSecond && <Notice>{words.inMemory}</Notice>}
      <Suspense fallback={<Awaited />}>
        <ContactNews device={device} ways={ways} />
      </Suspense>
      <Alerts device={device} ways={ways} />
      {removal !== undefined && <StopDeletion device={device} ways={ways} dueAt={removal.dueAt} />}
      {fault !== undefined && <Notice tone="bad">{explainFault(fault, texts)}</Notice>}
      {here !== undefined && <Backup device={device} status={here.status} ways={ways} onChange={look} />}
      <Card title={words.identity}>
        {here?.fingerprint !== undefined && (
          <dl>
            <dt>{words.fingerprint}</dt>
            <dd className="digits">{here.fingerprint}</dd>
          </dl>
        )}
        {here?.keys.some(({ name }) => name === 'nostr') === true && <p>{words.nostr} ✓</p>}
        {elsewhere > 0 && <p>{imports.elsewhere(elsewhere)} ✓</p>}
        {here?.keys.length === 0 && <p className="empty">{words.empty}</p>}
      </Card>
      <Conversations device={device} ways={ways} keys={here?.keys ?? []} />
      {!isSecond && (
        <Button
          className="quiet"
          onPress={() => {
            setAsking(true)
          }}
        >
          {words.signOut}
        </Button>
      )}
      {asking && (
        <Question
          title={words.signOutTitle}
          onClose={() => {
            setAsking(false)
          }}
        >
          <p>{words.signOutLead}</p>
          {here?.status?.upToDate !== true && <Notice tone="bad">{words.signOutUnsaved}</Notice>}
          <Button
            className="danger"
            isPending={work.busy}
            onPress={() => {
              work.run(leaveNow)
            }}
          >
            {words.signOutYes}
          </Button>
        </Question>
      )}
    </>
  )
}

async function readHere(device: Device): Promise<Here> {
  const { readFingerprint } = await import('../device/keys.ts')
  const { sync } = device
  const [keys, fingerprint] = await Promise.all([sync.keys.listKeys(), readFingerprint(device)])
  try {
    return { keys, fingerprint, status: await sync.status() }
  } catch (fault) {
    if (!isOffline(fault)) throw fault
    return { keys, fingerprint, status: undefined }
  }
}

function Backup({
  device,
  status,
  ways,
  onChange,
}: {
  readonly device: Device
  readonly status: SyncStatus | undefined
  readonly ways: Ways
  readonly onChange: () => void
}): ReactNode {
  const texts = useTexts()
  const { home: words } = texts
  const [said, setSaid] = useState<{ readonly tone: 'good' | 'bad'; readonly text: string }>()
  const work = useWork()
  const sync = async (): Promise<void> => {
    await device.sync.sync()
    onChange()
  }
  const verify = async (): Promise<void> => {
    const found = await device.sync.verifyBackup()
    if (found.status === 'whole')
      setSaid({ tone: 'good', text: words.whole(found.identityKeys, found.conversationKeys) })
    else setSaid({ tone: 'bad', text: words.damaged })
  }
  const isSafe = status?.upToDate === true && status.hasBackup
  const headline =
    status === undefined ? words.offline : !status.hasBackup ? words.none : isSafe ? words.safe : words.behind
  return (
    <section className={`state ${isSafe ? 'good' : 'open'}`} aria-label={headline}>
      <h2>
        <span aria-hidden="true" className="dot">
          {isSafe ? '✓' : '!'}
        </span>{' '}
        {headline}
      </h2>
      {status === undefined && <p>{words.offlineLead}</p>}
      {status?.lastChange !== undefined && <p>{words.when(sayTime(status.lastChange))}</p>}
      <p className="actions">
        {!isSafe && (
          <Button
            className="primary small"
            isPending={work.busy}
            onPress={() => {
              work.run(sync, ways.onFault)
            }}
          >
            {status === undefined ? texts.again : words.now}
          </Button>
        )}
        <Button
          className="quiet"
          isPending={work.busy}
          onPress={() => {
            work.run(verify, ways.onFault)
          }}
        >
          {words.verify}
        </Button>
      </p>
      {said !== undefined && <Notice tone={said.tone}>{said.text}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
    </section>
  )
}
