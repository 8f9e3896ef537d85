/** How this device keeps the keys: by itself, by password, by passkey; with what each is worth. */
import { isKeyhavenError } from 'keyhaven'
import type { Vault } from 'keyhaven/vault'
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Label, Radio, RadioGroup, Text } from 'react-aria-components'
import { KEEPINGS, keepBy, readKeeping } from '../device/device.ts'
import type { Keeping as Way } from '../device/device.ts'
import { useTexts } from '../texts/use-texts.ts'
import { Field, Form, Notice } from './parts.tsx'
import { useWork } from './use-work.ts'

/** The person declined, or did not answer in time. */
const ENDED: ReadonlySet<string> = new Set(['cancelled', 'timed-out'])

export function Keeping({
  vault,
  go,
  onKept,
}: {
  readonly vault: Vault
  readonly go: string
  readonly onKept: () => void
}): ReactNode {
  const { keep: words } = useTexts()
  const [way, setWay] = useState<Way>('device')
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<string>()
  const work = useWork()
  useEffect(() => {
    void readKeeping(vault).then((now) => {
      if (now !== undefined) setWay(now)
    })
  }, [vault])
  const keep = (): void => {
    setProblem(undefined)
    work.run(
      async () => {
        const { passkey, withPassword } = await import('../device/protections.ts')
        const asks = { device: undefined, password: () => withPassword(password), passkey }[way]
        await keepBy(vault, asks?.())
        onKept()
      },
      (fault) => {
        const refused = isKeyhavenError(fault, 'ERR_PASSWORD_REFUSED')
        if (!refused && !isKeyhavenError(fault, 'ERR_PASSKEY_UNAVAILABLE')) return false
        const { reason } = fault.details as { readonly reason: string }
        if (refused) setProblem(words.weak[reason as keyof typeof words.weak])
        else setProblem(ENDED.has(reason) ? words.passkeyCancelled : words.noPasskey)
        return true
      },
    )
  }
  const choose = (chosen: string): void => {
    setWay(KEEPINGS.find((one) => one === chosen) ?? way)
    setProblem(undefined)
  }
  return (
    <Form onSubmit={keep} go={go} busy={work.busy}>
      <RadioGroup className="choices" value={way} onChange={choose}>
        <Label className="quiet-label">{words.title}</Label>
        {KEEPINGS.map((one) => (
          <Radio key={one} value={one} className="choice">
            <strong>{words[one]}</strong>
            <Text slot="description">{words[`${one}Hint`]}</Text>
          </Radio>
        ))}
      </RadioGroup>
      {way === 'password' && (
        <Field
          label={words.newPassword}
          value={password}
          onChange={setPassword}
          type="password"
          autoComplete="new-password"
          error={problem}
          large
        />
      )}
      {way !== 'password' && problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
    </Form>
  )
}
