/** A file that QryptChat's settings page wrote, and its password. */
import { isKeyhavenError } from 'keyhaven'
import { useState } from 'react'
import type { ReactNode } from 'react'
import type { Device } from '../device/device.ts'
import { useTexts } from '../texts/use-texts.ts'
import { ChooseFile } from './choose-file.tsx'
import { Field, Form, Notice } from './parts.tsx'
import { useWork } from './use-work.ts'

/** More is no export. */
const MOST_BYTES = 2 * 1024 * 1024

export function BringQryptChat({
  device,
  go,
  onBrought,
}: {
  readonly device: Device
  readonly go: string
  readonly onBrought: () => void
}): ReactNode {
  const { imports } = useTexts()
  const { qryptchat: words } = imports
  const [text, setText] = useState<string>()
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<{ readonly with: 'file' | 'password'; readonly text: string }>()
  const [count, setCount] = useState<number>()
  const work = useWork()
  const open = async (): Promise<void> => {
    if (text === undefined) {
      setProblem({ with: 'file', text: words.none })
      return
    }
    const { takeQryptChat } = await import('../device/imports.ts')
    const taken = await takeQryptChat(device, { text, password })
    if (taken.status === 'imported') setCount(taken.count)
    else if (taken.status === 'rejected') setProblem({ with: 'password', text: words.rejected })
    else setProblem({ with: 'file', text: words.row })
  }
  const explain = (fault: unknown): boolean => {
    if (isKeyhavenError(fault, 'ERR_LEGACY_MALFORMED')) setProblem({ with: 'file', text: words.malformed })
    else if (isKeyhavenError(fault, 'ERR_LEGACY_MISMATCH')) setProblem({ with: 'file', text: words.mismatch })
    else if (isKeyhavenError(fault, 'ERR_IDENTITY_CONFLICT'))
      setProblem({ with: 'file', text: words.conflict })
    else return false
    return true
  }
  if (count !== undefined) {
    return (
      <>
        <Notice tone="good">{words.imported(count)}</Notice>
        <Form onSubmit={onBrought} go={go} />
      </>
    )
  }
  return (
    <>
      <p>{words.lead}</p>
      <Form
        onSubmit={() => {
          setProblem(undefined)
          work.run(open, explain)
        }}
        go={words.open}
        busy={work.busy}
      >
        <ChooseFile
          go={words.choose}
          accept={['.json', 'application/json']}
          most={MOST_BYTES}
          onText={(chosen) => {
            setText(chosen)
            setProblem(chosen === undefined ? { with: 'file', text: words.malformed } : undefined)
          }}
        />
        {problem?.with === 'file' && <Notice tone="bad">{problem.text}</Notice>}
        <Field
          label={words.password}
          value={password}
          onChange={setPassword}
          type="password"
          error={problem?.with === 'password' ? problem.text : work.error}
          large
        />
      </Form>
    </>
  )
}
