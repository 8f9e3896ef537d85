/** The recovery kit on the next device: its file, or its text from a picture or from paper, and its passphrase. */
import { isKeyhavenError } from 'keyhaven'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { ChooseFile } from '../../components/choose-file.tsx'
import { Field, Form, Notice, Title } from '../../components/parts.tsx'
import { useTexts } from '../../texts/use-texts.ts'
import type { RestoreInput } from '../restore.tsx'
import { Steps } from '../steps.tsx'
import { useRestore } from './use-restore.ts'

const MOST_BYTES = 16_384

export function WithKit(input: RestoreInput): ReactNode {
  const { without } = useTexts()
  const { kit: words } = without
  const [file, setFile] = useState('')
  const [passphrase, setPassphrase] = useState('')
  const [problem, setProblem] = useState<{ readonly with: 'file' | 'passphrase'; readonly text: string }>()
  const work = useRestore(input)
  const restore = (): void => {
    setProblem(undefined)
    work.restore({
      by: (onProgress) => input.device.sync.restoreWithKit({ file, passphrase, onProgress }),
      onOther: ({ status }) => {
        if (status === 'rejected') setProblem({ with: 'passphrase', text: words.rejected })
        else setProblem({ with: 'file', text: without.unknown })
      },
      onFault: (fault) => {
        if (!isKeyhavenError(fault, 'ERR_ENVELOPE_MALFORMED')) return false
        setProblem({ with: 'file', text: words.noKit })
        return true
      },
    })
  }
  return (
    <>
      <Title>{words.title}</Title>
      <p className="lead">{words.lead}</p>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <Form onSubmit={restore} go={without.open} busy={work.busy}>
        <ChooseFile
          go={words.choose}
          most={MOST_BYTES}
          onText={(text) => {
            setFile(text ?? '')
            setProblem(text === undefined ? { with: 'file', text: words.noKit } : undefined)
          }}
        />
        <Field
          label={words.text}
          value={file}
          onChange={setFile}
          lines={4}
          hint={words.textHint}
          error={problem?.with === 'file' ? problem.text : undefined}
        />
        <Field
          label={words.passphrase}
          value={passphrase}
          onChange={setPassphrase}
          type="password"
          error={problem?.with === 'passphrase' ? problem.text : undefined}
          large
        />
      </Form>
      {work.busy &&
        (work.progress === undefined ? <Notice>{words.opening}</Notice> : <Steps progress={work.progress} />)}
    </>
  )
}
