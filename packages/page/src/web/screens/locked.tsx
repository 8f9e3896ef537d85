/** A device that asks before it opens: by password or passkey. */
import type { ProtectionSummary, Vault } from 'keyhaven/vault'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { Ways } from '../app.tsx'
import { ForgetDevice } from '../components/forget-device.tsx'
import { Field, Form, Notice, Title } from '../components/parts.tsx'
import { useWork } from '../components/use-work.ts'
import { useTexts } from '../texts/use-texts.ts'

export function Locked({
  vault,
  protections,
  ways,
}: {
  readonly vault: Vault
  readonly protections: readonly ProtectionSummary[]
  readonly ways: Ways
}): ReactNode {
  const { locked: words } = useTexts()
  const work = useWork()
  const [password, setPassword] = useState('')
  const [refused, setRefused] = useState<string>()
  const has = (type: string): boolean =>
    protections.some(({ factors }) => factors.some((factor) => factor.type === type))
  const unlock = (by: 'password' | 'passkey'): void => {
    work.run(async () => {
      const { passkey, withPassword } = await import('../device/protections.ts')
      const { status } = await vault.unlock(by === 'passkey' ? passkey() : withPassword(password))
      if (status === 'unlocked') ways.opened(vault)
      else if (status === 'cancelled' || status === 'timed-out') setRefused(words.cancelled)
      else setRefused(status === 'wrong-password' ? words.wrong : words.unavailable)
    })
  }
  return (
    <main className="narrow">
      <Title>{words.title}</Title>
      <p className="lead">{words.lead}</p>
      {has('password') && (
        <Form
          onSubmit={() => {
            unlock('password')
          }}
          go={words.open}
          busy={work.busy}
        >
          <Field
            label={words.password}
            value={password}
            onChange={setPassword}
            type="password"
            autoComplete="current-password"
            error={refused}
            large
          />
        </Form>
      )}
      {has('passkey') && (
        <Button
          className="primary"
          isPending={work.busy}
          onPress={() => {
            unlock('passkey')
          }}
        >
          {words.passkey}
        </Button>
      )}
      {refused !== undefined && !has('password') && <Notice tone="bad">{refused}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <ForgetDevice vault={vault} ways={ways} />
    </main>
  )
}
