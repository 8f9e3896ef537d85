/** The recovery code on the next device. A mistyped one is told from one that is out of use. */
import { isKeyhavenError } from 'keyhaven'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Field, Form, Notice, Title } from '../../components/parts.tsx'
import { useTexts } from '../../texts/use-texts.ts'
import type { RestoreInput } from '../restore.tsx'
import { Steps } from '../steps.tsx'
import { useRestore } from './use-restore.ts'

export function WithCode(input: RestoreInput): ReactNode {
  const { without } = useTexts()
  const { code: words } = without
  const [code, setCode] = useState('')
  const [problem, setProblem] = useState<string>()
  const work = useRestore(input)
  const restore = (): void => {
    setProblem(undefined)
    work.restore({
      by: (onProgress) => input.device.sync.restoreWithCode({ code, onProgress }),
      onOther: () => {
        setProblem(without.unknown)
      },
      onFault: (fault) => {
        if (!isKeyhavenError(fault, 'ERR_RECOVERY_CODE_INVALID')) return false
        setProblem(words.problems[fault.details.problem])
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
        <Field label={words.label} value={code} onChange={setCode} hint={words.hint} error={problem} large />
      </Form>
      {work.busy && work.progress !== undefined && <Steps progress={work.progress} />}
    </>
  )
}
