/** Phone number, then the code. */
import type { Vault } from 'keyhaven/vault'
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Checkbox } from 'react-aria-components'
import type { Ways, WhySignedOut } from '../app.tsx'
import { ForgetDevice } from '../components/forget-device.tsx'
import { readInvitation } from '../components/invitation.ts'
import { CodeForm } from '../components/code-form.tsx'
import { Field, Form, Notice, Title } from '../components/parts.tsx'
import { goTo, replaceRoute, useRoute } from '../components/use-route.ts'
import { useWork } from '../components/use-work.ts'
import { useTexts } from '../texts/use-texts.ts'

interface Asked {
  readonly phone: string
  readonly requestId: string
}

export function SignIn(input: {
  readonly vault: Vault | undefined
  readonly why: WhySignedOut | undefined
  readonly ways: Ways
}): ReactNode {
  const texts = useTexts()
  const route = useRoute()
  const [asked, setAsked] = useState<Asked>()
  const [shared, setShared] = useState(false)
  const onCode = route === 'code' && asked !== undefined
  useEffect(() => {
    if (!onCode && route !== '') replaceRoute('')
  }, [onCode, route])
  return (
    <main className="narrow">
      <p className="brand">
        <img src="/icon.svg" alt="" width="40" height="40" /> {texts.product}
      </p>
      {onCode ? (
        <Code asked={asked} shared={shared} vault={input.vault} ways={input.ways} />
      ) : (
        <Phone why={input.why} vault={input.vault} shared={shared} onShared={setShared} onAsked={setAsked} />
      )}
      {input.vault !== undefined && <ForgetDevice vault={input.vault} ways={input.ways} />}
    </main>
  )
}

function Phone(input: {
  readonly why: WhySignedOut | undefined
  readonly vault: Vault | undefined
  readonly shared: boolean
  readonly onShared: (shared: boolean) => void
  readonly onAsked: (asked: Asked) => void
}): ReactNode {
  const { phone: words, unfinished } = useTexts()
  const [country, setCountry] = useState(guessCountry)
  const [number, setNumber] = useState('')
  const countries = useCountries()
  const work = useWork()
  const ask = (): void => {
    work.run(async () => {
      const { readPhone } = await import('../device/phone.ts')
      const { askForCode } = await import('../device/device.ts')
      const phone = readPhone(number, country)
      const { requestId } = await askForCode({ phone, vault: input.vault })
      input.onAsked({ phone, requestId })
      goTo('code')
    })
  }
  return (
    <>
      <Title>{words.title}</Title>
      <p className="lead">{words.lead}</p>
      {input.why !== undefined && (
        <Notice>
          {{ ...words, deletionCut: unfinished.signedOut, deleted: unfinished.deleted }[input.why]}
        </Notice>
      )}
      {readInvitation() !== undefined && <Notice>{words.invited}</Notice>}
      <Form onSubmit={ask} go={words.send} busy={work.busy}>
        <label className="field">
          <span>{words.country}</span>
          <select
            value={country}
            autoComplete="country"
            onChange={({ target }) => {
              setCountry(target.value)
            }}
          >
            {countries.map(({ code, name }) => (
              <option key={code} value={code}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <Field
          label={words.number}
          value={number}
          type="tel"
          inputMode="tel"
          autoComplete="tel"
          error={work.error}
          large
          onChange={(text) => {
            setNumber(text)
            void import('../device/phone.ts').then(({ formatAsTyped }) => {
              setNumber((current) => (current === text ? formatAsTyped(text, country) : current))
            })
          }}
        />
        {input.vault === undefined && (
          <Checkbox className="check" isSelected={input.shared} onChange={input.onShared}>
            <span className="box" aria-hidden="true" />
            <span>
              {words.shared}
              <small>{words.sharedHint}</small>
            </span>
          </Checkbox>
        )}
      </Form>
      <p className="hint">{words.promise}</p>
    </>
  )
}

function Code(input: {
  readonly asked: Asked
  readonly shared: boolean
  readonly vault: Vault | undefined
  readonly ways: Ways
}): ReactNode {
  const { code: words } = useTexts()
  const work = useWork()
  const { phone } = input.asked
  const check = (code: string): void => {
    work.run(async () => {
      const { enterCode, makeVault } = await import('../device/device.ts')
      const vault = input.vault ?? (await makeVault({ inMemory: input.shared }))
      const device = await enterCode({
        ...input.asked,
        code,
        vault,
        inMemory: input.shared,
      }).catch(async (fault: unknown) => {
        // A vault that was made for a sign-in that failed is taken away again.
        if (input.vault === undefined) await vault.destroy()
        throw fault
      })
      replaceRoute('')
      input.ways.signedIn(device)
    })
  }
  return (
    <CodeForm
      phone={phone}
      work={work}
      onCode={check}
      other={words.other}
      onOther={() => {
        history.back()
      }}
    />
  )
}

interface Country {
  readonly code: string
  readonly name: string
}

function useCountries(): readonly Country[] {
  const [countries, setCountries] = useState<readonly Country[]>([])
  const { language } = useTexts()
  useEffect(() => {
    void import('../device/phone.ts').then(({ listCountries }) => {
      setCountries(listCountries())
    })
  }, [language])
  return countries
}

function guessCountry(): string {
  // Unlike `navigator.language`, which is "en-US@posix" on some machines, this one is always well formed.
  const { locale } = new Intl.DateTimeFormat().resolvedOptions()
  return new Intl.Locale(locale).maximize().region ?? 'US'
}
