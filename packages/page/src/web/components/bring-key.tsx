/** A key that somebody has already: nsec, 64 hex digits, or ncryptsec with its password. */
import { isKeyhavenError } from 'keyhaven'
import { useState } from 'react'
import type { ReactNode } from 'react'
import type { Device } from '../device/device.ts'
import { useTexts } from '../texts/use-texts.ts'
import { Field, Form } from './parts.tsx'
import { useWork } from './use-work.ts'

export function BringKey({
  device,
  go,
  onBrought,
}: {
  readonly device: Device
  readonly go: string
  readonly onBrought: () => void
}): ReactNode {
  const { keys: words } = useTexts()
  const [text, setText] = useState('')
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<string>()
  const work = useWork()
  const isLocked = text.trim().startsWith('ncryptsec')
  const bring = (): void => {
    setProblem(undefined)
    work.run(
      async () => {
        const { bringNostrKey } = await import('../device/keys.ts')
        const key = text.trim()
        if (isLocked) await bringNostrKey(device, { as: 'ncryptsec', text: key, password })
        else await bringNostrKey(device, { as: key.startsWith('nsec') ? 'nsec' : 'hex', text: key })
        setText('')
        onBrought()
      },
      (fault) => {
        if (isKeyhavenError(fault, 'ERR_IDENTITY_CONFLICT')) setProblem(words.conflict)
        else if (isKeyhavenError(fault, 'ERR_ENVELOPE_REJECTED')) setProblem(words.rejected)
        else if (
          isKeyhavenError(fault, 'ERR_INPUT_INVALID') ||
          isKeyhavenError(fault, 'ERR_ENVELOPE_MALFORMED')
        )
          setProblem(words.invalid)
        else return false
        return true
      },
    )
  }
  return (
    <Form onSubmit={bring} go={go} busy={work.busy}>
      <Field
        label={words.text}
        value={text}
        onChange={setText}
        type="password"
        error={problem ?? work.error}
      />
      {isLocked && <Field label={words.password} value={password} onChange={setPassword} type="password" />}
    </Form>
  )
}
