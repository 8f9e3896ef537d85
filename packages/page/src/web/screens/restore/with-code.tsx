/** The recovery code on the next device. A mistyped one is told from one that is out of use. */
import { isKeyhavenError } from 'keyhaven'
import type { Progress } from 'keyhaven/sync'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Field, Form, Notice, Title } from '../../components/parts.tsx'
import { useWork } from '../../components/use-work.ts'
import { useTexts } from '../../texts/use-texts.ts'
import type { RestoreInput } from '../restore.tsx'
import { Steps } from '../steps.tsx'

export function WithCode({ device, ways, onRestored }: RestoreInput): ReactNode {
  const { without } = useTexts()
  const { code: words } = without
  const [code, setCode] = useState('')
  const [problem, setProblem] = useState<string>()
  const [progress, setProgress] = useState<Progress>()
  const work = useWork()
  const restore = async (): Promise<void> => {
    const restored = await device.sync.restoreWithCode({ code, onProgress: setProgress })
    if (restored.status === 'restored') onRestored(restored)
    else if (restored.status === 'no-backup') ways.signedIn(device)
    else setProblem(without.unknown)
  }
  return (
    <>
      <Title>{words.title}</Title>
      <p className="lead">{words.lead}</p>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <Form
        onSubmit={() => {
          setProblem(undefined)
          work.run(restore, (fault) => {
            if (!isKeyhavenError(fault, 'ERR_RECOVERY_CODE_INVALID')) return ways.onFault(fault)
            setProblem(words.problems[fault.details.problem])
            return true
          })
        }}
        go={without.open}
        busy={work.busy}
      >
        <Field label={words.label} value={code} onChange={setCode} hint={words.hint} error={problem} large />
      </Form>
      {work.busy && progress !== undefined && <Steps progress={progress} />}
    </>
  )
}
