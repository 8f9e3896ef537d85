/** The page: finds out how this device stands, and shows the screens for that. */
import { Suspense, lazy, useEffect, useMemo, useState } from 'react'
import type { ReactNode } from 'react'
import { isKeyhavenError } from 'keyhaven'
import type { ProtectionSummary, Vault } from 'keyhaven/vault'
import { goTo, replaceRoute } from './components/use-route.ts'
import type { Device } from './device/device.ts'
import { SignIn } from './screens/sign-in.tsx'
import { explainFault, isOffline } from './texts/explain-fault.ts'
import { LANGUAGES, TextsContext, chooseLanguage } from './texts/use-texts.ts'
import type { Language } from './texts/use-texts.ts'
import { Notice } from './components/parts.tsx'
import { Settings } from './components/settings.tsx'

const Locked = lazy(async () => ({ default: (await import('./screens/locked.tsx')).Locked }))
const Setup = lazy(async () => ({ default: (await import('./screens/setup.tsx')).Setup }))
const Restore = lazy(async () => ({ default: (await import('./screens/restore.tsx')).Restore }))
const Haven = lazy(async () => ({ default: (await import('./screens/haven.tsx')).Haven }))

/** How this device stands. */
type Standing =
  | { readonly at: 'starting' }
  | { readonly at: 'signed-out'; readonly vault?: Vault; readonly why?: 'evicted' | 'signedOut' | 'removed' }
  | { readonly at: 'locked'; readonly vault: Vault; readonly protections: readonly ProtectionSummary[] }
  | { readonly at: 'first-device' | 'next-device' | 'here'; readonly device: Device }

/** What screens may ask of the page. */
export interface Ways {
  /** A vault was opened, or a device signed in. */
  readonly opened: (vault: Vault) => void
  readonly signedIn: (device: Device) => void
  readonly here: (device: Device) => void
  /** Everything that was on this device is gone. */
  readonly left: () => void
  /** Takes a fault that changes how this device stands. */
  readonly onFault: (fault: unknown) => boolean
}

export function App(): ReactNode {
  const [language, setLanguage] = useState<Language>(chooseLanguage)
  const [standing, setStanding] = useState<Standing>({ at: 'starting' })
  const [trouble, setTrouble] = useState<unknown>()
  const texts = LANGUAGES[language]
  const ways = useMemo(() => createWays(setStanding, setTrouble), [])
  useEffect(() => {
    document.documentElement.lang = language
    document.title = texts.product
  }, [language, texts])
  useEffect(() => {
    void start(setStanding, ways).catch(setTrouble)
  }, [ways])
  return (
    <TextsContext value={texts}>
      {trouble !== undefined && <Notice tone="bad">{explainFault(trouble, texts)}</Notice>}
      <Suspense fallback={<Wait text={texts.loading} />}>{screenFor(standing, ways, texts.loading)}</Suspense>
      <Settings language={language} onLanguage={setLanguage} />
    </TextsContext>
  )
}

function screenFor(standing: Standing, ways: Ways, loading: string): ReactNode {
  if (standing.at === 'starting') return <Wait text={loading} />
  if (standing.at === 'signed-out') return <SignIn vault={standing.vault} why={standing.why} ways={ways} />
  if (standing.at === 'locked')
    return <Locked vault={standing.vault} protections={standing.protections} ways={ways} />
  const { device } = standing
  if (standing.at === 'first-device') return <Setup device={device} ways={ways} />
  if (standing.at === 'next-device') return <Restore device={device} ways={ways} />
  return <Haven device={device} ways={ways} />
}

function Wait({ text }: { readonly text: string }): ReactNode {
  return (
    <main className="narrow">
      <p role="status">{text}</p>
    </main>
  )
}

type Set<Value> = (value: Value) => void

async function start(setStanding: Set<Standing>, ways: Ways): Promise<void> {
  const { findVault } = await import('./device/device.ts')
  const found = await findVault()
  if (found.status === 'none') setStanding({ at: 'signed-out' })
  else if (found.status === 'evicted') setStanding({ at: 'signed-out', why: 'evicted' })
  else if (found.status === 'locked') setStanding({ ...found, at: 'locked' })
  else ways.opened(found.vault)
}

function createWays(setStanding: Set<Standing>, setTrouble: Set<unknown>): Ways {
  const attempt = (work: () => Promise<void>): void => {
    setTrouble(undefined)
    void work().catch(setTrouble)
  }
  const signedIn = (device: Device): void => {
    attempt(async () => {
      setStanding(await findStanding(device))
    })
  }
  return {
    signedIn,
    opened: (vault) => {
      attempt(async () => {
        const { resume } = await import('./device/device.ts')
        const device = await resume(vault)
        if (device === undefined) setStanding({ at: 'signed-out', vault, why: 'signedOut' })
        else signedIn(device)
      })
    },
    here: (device) => {
      replaceRoute('')
      setStanding({ at: 'here', device })
    },
    left: () => {
      goTo('')
      setStanding({ at: 'signed-out' })
    },
    onFault: (fault) => {
      const removed = isKeyhavenError(fault, 'ERR_DEVICE_REMOVED')
      if (!removed && !isKeyhavenError(fault, 'ERR_SIGNED_OUT')) return false
      attempt(async () => {
        const { findVault } = await import('./device/device.ts')
        const found = await findVault()
        const vault = found.status === 'open' ? found.vault : undefined
        setStanding({ at: 'signed-out', why: removed ? 'removed' : 'signedOut', ...(vault && { vault }) })
      })
      return true
    },
  }
}

/** First device, next device, or one that has the keys: the backup says. Offline, a device that has keys goes on. */
async function findStanding(device: Device): Promise<Standing> {
  try {
    const { status } = await device.sync.sync()
    if (status === 'no-backup') return { at: 'first-device', device }
    return { at: status === 'pin-needed' ? 'next-device' : 'here', device }
  } catch (fault) {
    const { vault } = device
    if (isKeyhavenError(fault, 'ERR_SIGNED_OUT')) return { at: 'signed-out', vault, why: 'signedOut' }
    if (isKeyhavenError(fault, 'ERR_DEVICE_REMOVED')) return { at: 'signed-out', vault, why: 'removed' }
    if (isOffline(fault) && (await device.sync.keys.listKeys()).length > 0) return { at: 'here', device }
    throw fault
  }
}
