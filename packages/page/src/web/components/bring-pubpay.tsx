/** The key that PubPay left in this browser: its own device opens it, or the password that it was given. */
import { isKeyhavenError } from 'keyhaven'
import { useState } from 'react'
import type { ReactNode } from 'react'
import type { Device } from '../device/device.ts'
import { useTexts } from '../texts/use-texts.ts'
import { Field, Form, Notice } from './parts.tsx'
import { useWork } from './use-work.ts'

export function BringPubPay(input: {
  readonly device: Device
  readonly hasPassword: boolean
  readonly go: string
  /** `finish` removes PubPay's own copy: for when the key is backed up. */
  readonly onBrought: (finish: () => Promise<void>) => void
}): ReactNode {
  const { keys, imports } = useTexts()
  const { pubpay: words } = imports
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<string>()
  const work = useWork()
  const { device, hasPassword } = input
  const bring = async (): Promise<void> => {
    const { removePubPay, takePubPay } = await import('../device/imports.ts')
    const given = hasPassword ? password : undefined
    const status = await takePubPay(device, given)
    if (status === 'opened') input.onBrought(() => removePubPay(device, given))
    else if (status === 'device-key-missing') setProblem(words.keyMissing)
    else setProblem(hasPassword ? words.rejected : words.damaged)
  }
  const explain = (fault: unknown): boolean => {
    if (isKeyhavenError(fault, 'ERR_IDENTITY_CONFLICT')) setProblem(keys.conflict)
    else if (isKeyhavenError(fault, 'ERR_LEGACY_MISMATCH')) setProblem(words.mismatch)
    else if (isKeyhavenError(fault, 'ERR_LEGACY_MALFORMED')) setProblem(words.damaged)
    else return false
    return true
  }
  return (
    <>
      <p>{words.lead}</p>
      {!hasPassword && problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <Form
        onSubmit={() => {
          setProblem(undefined)
          work.run(bring, explain)
        }}
        go={input.go}
        busy={work.busy}
      >
        {hasPassword && (
          <Field
            label={words.password}
            value={password}
            onChange={setPassword}
            type="password"
            autoComplete="current-password"
            error={problem}
            large
          />
        )}
      </Form>
    </>
  )
}
