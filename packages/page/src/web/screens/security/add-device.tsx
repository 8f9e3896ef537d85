/** Lets a new device in that is at hand: by the picture that it shows, by its text, or by digits that both show. */
import { isKeyhavenError } from 'keyhaven'
import { useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { CompareDigits, useDigits } from '../../components/compare-digits.tsx'
import { Field, Form, Notice, Title } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { replaceRoute } from '../../components/use-route.ts'
import { useWork } from '../../components/use-work.ts'
import { useTexts } from '../../texts/use-texts.ts'

/** `scanned` is the code that a camera brought in the address. */
export function AddDevice({
  device,
  ways,
  scanned,
}: ScreenInput & { readonly scanned: string | undefined }): ReactNode {
  const { link: words } = useTexts()
  const [code, setCode] = useState('')
  const [said, setSaid] = useState<{ readonly tone: 'good' | 'bad'; readonly text: string }>()
  const running = useRef<AbortController>(undefined)
  const { asked, ask } = useDigits()
  const work = useWork()
  const [taken, setTaken] = useState<string>()
  if (scanned !== undefined && scanned !== taken) {
    setTaken(scanned)
    setCode(scanned)
  }
  useEffect(() => {
    // Out of the address, where it is not to stay.
    if (scanned !== undefined) replaceRoute('security/device')
  }, [scanned])
  useEffect(
    () => () => {
      running.current?.abort()
    },
    [],
  )
  const accept = (): void => {
    const { signal } = (running.current = new AbortController())
    setSaid(undefined)
    work.run(
      async () => {
        const outcome = await device.sync.acceptLink({
          signal,
          ...(code.trim() !== '' && { code }),
          confirm: (digits, label) => ask({ digits, label, signal }),
        })
        setCode('')
        if (outcome.status === 'linked') setSaid({ tone: 'good', text: words.linked(outcome.label) })
        else if (outcome.status === 'no-backup') ways.signedIn(device)
        else setSaid({ tone: 'bad', text: words[outcome.status] })
      },
      (fault) => {
        if (signal.aborted) return true
        if (isKeyhavenError(fault, 'ERR_LINK_FORGED')) setSaid({ tone: 'bad', text: words.forged })
        else if (isKeyhavenError(fault, 'ERR_INPUT_INVALID')) setSaid({ tone: 'bad', text: words.noCode })
        else return ways.onFault(fault)
        return true
      },
    )
  }
  return (
    <>
      <Title>{words.oldTitle}</Title>
      <p className="lead">{words.oldLead}</p>
      <p>{words.warning}</p>
      {said !== undefined && <Notice tone={said.tone}>{said.text}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      {asked !== undefined ? (
        <CompareDigits asked={asked} />
      ) : (
        <Form onSubmit={accept} go={code.trim() === '' ? words.find : words.letIn} busy={work.busy}>
          <Field label={words.code} value={code} onChange={setCode} lines={3} hint={words.codeHint} />
        </Form>
      )}
    </>
  )
}
