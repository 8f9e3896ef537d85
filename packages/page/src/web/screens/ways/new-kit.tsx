/** A recovery kit: a file under a passphrase, and a page for paper that has the same as a picture and as text. */
import { isKeyhavenError } from 'keyhaven'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { ScreenInput } from '../../components/screen-input.ts'
import { Field, Form, Notice, Title } from '../../components/parts.tsx'
import { Picture } from '../../components/picture.tsx'
import { saveFile } from '../../components/save-file.ts'
import { useWork } from '../../components/use-work.ts'
import { labelByDay, sayDay, useTexts } from '../../texts/use-texts.ts'
import { Discard } from './discard.tsx'

interface Made {
  readonly wayId: string
  readonly file: string
  readonly at: Date
}

export function NewKit({
  device,
  ways,
  onDone,
}: ScreenInput & { readonly onDone: (kept: boolean) => void }): ReactNode {
  const texts = useTexts()
  const { kit: words } = texts
  const [made, setMade] = useState<Made>()
  const [kept, setKept] = useState(false)
  if (made === undefined) return <ChoosePassphrase device={device} ways={ways} onMade={setMade} />
  return (
    <>
      <Title>{words.madeTitle}</Title>
      <p className="lead">{words.madeLead}</p>
      <p className="actions">
        <Button
          className="secondary"
          onPress={() => {
            saveFile({ name: 'keyhaven-kit.age', type: 'application/octet-stream', text: made.file })
            setKept(true)
          }}
        >
          {words.save}
        </Button>
        <Button
          className="secondary"
          onPress={() => {
            globalThis.print()
            setKept(true)
          }}
        >
          {words.print}
        </Button>
      </p>
      <Sheet made={made} />
      {kept ? (
        <Form
          onSubmit={() => {
            onDone(true)
          }}
          go={words.done}
        />
      ) : (
        <Discard
          device={device}
          ways={ways}
          wayId={made.wayId}
          go={words.discard}
          onDone={() => {
            onDone(false)
          }}
        />
      )}
    </>
  )
}

function ChoosePassphrase({
  device,
  ways,
  onMade,
}: ScreenInput & { readonly onMade: (made: Made) => void }): ReactNode {
  const texts = useTexts()
  const { kit: words } = texts
  const [passphrase, setPassphrase] = useState('')
  const [again, setAgain] = useState('')
  const [problem, setProblem] = useState<string>()
  const [differs, setDiffers] = useState(false)
  const work = useWork()
  const make = async (): Promise<void> => {
    const added = await device.sync.addKit({ passphrase, label: labelByDay() })
    if (added.status === 'no-backup') ways.signedIn(device)
    else onMade({ ...added, at: new Date() })
  }
  const submit = (): void => {
    setProblem(undefined)
    setDiffers(again !== passphrase)
    if (again !== passphrase) return
    work.run(make, (fault) => {
      if (!isKeyhavenError(fault, 'ERR_PASSWORD_REFUSED')) return ways.onFault(fault)
      setProblem(texts.keep.weak[fault.details.reason])
      return true
    })
  }
  return (
    <>
      <Title>{words.title}</Title>
      <p className="lead">{words.lead}</p>
      <p>{words.warning}</p>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <Form onSubmit={submit} go={words.make} busy={work.busy}>
        <Field
          label={words.newPassphrase}
          value={passphrase}
          onChange={setPassphrase}
          type="password"
          autoComplete="new-password"
          hint={words.passphraseHint}
          error={problem}
          large
        />
        <Field
          label={words.again}
          value={again}
          onChange={setAgain}
          type="password"
          autoComplete="new-password"
          error={differs ? words.differs : undefined}
          large
        />
      </Form>
      {work.busy && <Notice>{words.making}</Notice>}
    </>
  )
}

/** What is printed: this part of the page alone. */
function Sheet({ made }: { readonly made: Made }): ReactNode {
  const { kit: words } = useTexts()
  const file = made.file.trim()
  return (
    <section className="sheet" aria-label={words.sheetTitle}>
      <h2>{words.sheetTitle}</h2>
      <p>{words.sheetMade(sayDay(made.at), location.origin)}</p>
      <p>{words.sheetUse}</p>
      <Picture text={file} label={words.picture} />
      <pre tabIndex={0} role="region" aria-label={words.text}>
        {file}
      </pre>
    </section>
  )
}
