/** Trusted contacts on the next device: asking them, the wait, the digits, who has answered, and the keys. */
import type { AskedContacts, Progress } from 'keyhaven/sync'
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Digits } from '../../components/digits.tsx'
import { Card, Form, Notice, Title } from '../../components/parts.tsx'
import { useLatest } from '../../components/use-latest.ts'
import { useWork } from '../../components/use-work.ts'
import type { Work } from '../../components/use-work.ts'
import type { Device } from '../../device/device.ts'
import { isPast, sayDate, useTexts } from '../../texts/use-texts.ts'
import type { RestoreInput } from '../restore.tsx'
import { Steps } from '../steps.tsx'

const LOOK_EVERY_MS = 5000

type Standing =
  | { readonly status: 'looking' | 'not-asked' | 'no-contacts' | 'stopped' | 'ended' | 'unknown-way' }
  | (AskedContacts & { readonly tried: boolean })

export function WithContacts({ device, ways, onRestored }: RestoreInput): ReactNode {
  const { contacts: words, loading } = useTexts()
  const [standing, setStanding] = useState<Standing>({ status: 'looking' })
  const [progress, setProgress] = useState<Progress>()
  const work = useWork()
  const { run } = work
  const { onFault } = ways
  const { contacts } = device.sync
  const ask = async (tried: boolean): Promise<void> => {
    const asked = await contacts.ask()
    setStanding(asked.status === 'asked' ? { ...asked, tried } : asked)
  }
  const look = async (): Promise<void> => {
    const outcome = await contacts.restore({ onProgress: setProgress }).finally(() => {
      setProgress(undefined)
    })
    if (outcome.status === 'restored') onRestored(outcome)
    else if (outcome.status === 'no-backup') ways.signedIn(device)
    else if (outcome.status !== 'too-few') setStanding(outcome)
    // Asking once more would begin anew where it was stopped or taken back meanwhile.
    else if (standing.status !== 'asked') await ask(true)
    else {
      const { answers, dueAt } = outcome
      setStanding((now) => (now.status === 'asked' ? { ...now, answers, dueAt, tried: true } : now))
    }
  }
  useLooks({ look, isAsked: standing.status === 'asked', device, run, onFault })
  if (device.inMemory) return <Intro>{<Notice>{words.askShared}</Notice>}</Intro>
  if (standing.status === 'looking')
    return (
      <Intro>
        {work.error === undefined ? <p role="status">{loading}</p> : <Notice tone="bad">{work.error}</Notice>}
      </Intro>
    )
  if (standing.status === 'no-contacts') return <Intro>{<Notice>{words.askNone}</Notice>}</Intro>
  const end = async (): Promise<void> => {
    await contacts.endAsking()
    setStanding({ status: 'ended' })
  }
  const start = (what: () => Promise<void>) => (): void => {
    run(what, onFault)
  }
  if (standing.status !== 'asked')
    return <NotAsked status={standing.status} work={work} onAsk={start(() => ask(false))} />
  return (
    <>
      <Title>{words.askedTitle}</Title>
      <State standing={standing} />
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      {progress !== undefined && <Steps progress={progress} />}
      <Card title={words.yourDigits}>
        <Digits number={standing.digits} />
        <p>{words.digitsLead}</p>
      </Card>
      <p>
        <Button className="secondary" isPending={work.busy} onPress={start(look)}>
          {words.look}
        </Button>
      </p>
      <Button className="quiet" onPress={start(end)}>
        {words.end}
      </Button>
    </>
  )
}

function NotAsked({
  status,
  work,
  onAsk,
}: {
  readonly status: 'not-asked' | 'stopped' | 'ended' | 'unknown-way'
  readonly work: Work
  readonly onAsk: () => void
}): ReactNode {
  const { contacts: words, without } = useTexts()
  return (
    <Intro>
      {status === 'stopped' && <Notice tone="bad">{words.wasStopped}</Notice>}
      {status === 'ended' && <Notice tone="good">{words.ended}</Notice>}
      {status === 'unknown-way' && <Notice tone="bad">{without.unknown}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <ol className="steps">
        {words.how.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <Form onSubmit={onAsk} go={words.askGo} busy={work.busy} />
    </Intro>
  )
}

function Intro({ children }: { readonly children: ReactNode }): ReactNode {
  const { contacts: words } = useTexts()
  return (
    <>
      <Title>{words.askTitle}</Title>
      <p className="lead">{words.askLead}</p>
      {children}
    </>
  )
}

/** By the server's word: an answer comes only when it can. */
function State({ standing }: { readonly standing: AskedContacts & { readonly tried: boolean } }): ReactNode {
  const { contacts: words } = useTexts()
  const { answers, threshold, dueAt, expiresAt, tried } = standing
  const waits = !isPast(dueAt)
  return (
    <>
      <p className="lead">{waits ? words.waitUntil(sayDate(dueAt)) : words.callNow}</p>
      <p role="status">
        <strong>{words.so(answers, threshold)}</strong>
      </p>
      {tried && answers >= threshold && <Notice tone="bad">{words.wrongParts}</Notice>}
      <p className="hint">{waits ? words.waitLead : words.until(sayDate(expiresAt))}</p>
    </>
  )
}

/** At once; and while something is asked again and again as long as the tab is seen, without a word about it. */
function useLooks(input: {
  readonly look: () => Promise<void>
  readonly isAsked: boolean
  readonly device: Device
  readonly run: Work['run']
  readonly onFault: (fault: unknown) => boolean
}): void {
  const { isAsked, device } = input
  const latest = useLatest(input)
  useEffect(() => {
    const { look, run, onFault } = latest.current
    if (!device.inMemory) run(look, onFault)
  }, [device, latest])
  useEffect(() => {
    if (!isAsked) return
    let looking = false
    const timer = setInterval(() => {
      if (document.hidden || looking) return
      looking = true
      const { look, onFault } = latest.current
      void look()
        .catch(onFault)
        .finally(() => {
          looking = false
        })
    }, LOOK_EVERY_MS)
    return () => {
      clearInterval(timer)
    }
  }, [device, isAsked, latest])
}
