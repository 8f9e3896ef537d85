/** The page: finds out how this device stands, and shows the screens for that. */
import { lazy, useEffect, useMemo, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { isKeyhavenError } from 'keyhaven'
import type { ProtectionSummary, Vault } from 'keyhaven/vault'
import { dropInvitation } from './components/invitation.ts'
import { goTo, replaceRoute } from './components/use-route.ts'
import type { Device } from './device/device.ts'
import { tellOtherTabs, whenAnotherTabLeaves } from './device/other-tabs.ts'
import { SignIn } from './screens/sign-in.tsx'
import { explainFault, isOffline } from './texts/explain-fault.ts'
import { LANGUAGES, TextsContext, chooseLanguage, useTexts } from './texts/use-texts.ts'
import type { Language } from './texts/use-texts.ts'
import { Connection } from './components/connection.tsx'
import { Notice } from './components/parts.tsx'
import { Settings } from './components/settings.tsx'
import { Part, Wait } from './components/unloaded.tsx'

const Locked = lazy(async () => ({ default: (await import('./screens/locked.tsx')).Locked }))
const Setup = lazy(async () => ({ default: (await import('./screens/setup.tsx')).Setup }))
const Restore = lazy(async () => ({ default: (await import('./screens/restore.tsx')).Restore }))
const UnfinishedDeletion = lazy(async () => ({
  default: (await import('./screens/unfinished-deletion.tsx')).UnfinishedDeletion,
}))
const Haven = lazy(async () => ({ default: (await import('./screens/haven.tsx')).Haven }))

/** What a person is told who finds himself signed out. */
export type WhySignedOut = 'evicted' | 'signedOut' | 'removed' | 'deletionCut' | 'deleted'

/** How this device stands. */
type Standing =
  | { readonly at: 'starting' }
  | { readonly at: 'signed-out'; readonly vault?: Vault; readonly why?: WhySignedOut }
  | { readonly at: 'locked'; readonly vault: Vault; readonly protections: readonly ProtectionSummary[] }
  | {
      readonly at: 'first-device' | 'next-device' | 'here' | 'second' | 'unfinished-deletion'
      readonly device: Device
    }

/** Why the page cannot tell how this device stands, and how to try again. */
interface Trouble {
  readonly fault: unknown
  readonly again: () => void
}

/** What screens may ask of the page. */
export interface Ways {
  /** A vault was opened, or a device signed in. */
  readonly opened: (vault: Vault) => void
  readonly signedIn: (device: Device) => void
  readonly here: (device: Device) => void
  /** What is behind a second PIN is open. */
  readonly second: (device: Device) => void
  /** Everything of this device is gone. */
  readonly left: (device: Pick<Device, 'inMemory'>, why?: 'deleted') => void
  /** Takes a fault that changes how this device stands. */
  readonly onFault: (fault: unknown) => boolean
}

export function App(): ReactNode {
  const [language, setLanguage] = useState<Language>(chooseLanguage)
  const [standing, setStanding] = useState<Standing>({ at: 'starting' })
  const [trouble, setTrouble] = useState<Trouble>()
  const texts = LANGUAGES[language]
  const ways = useMemo(() => createWays(setStanding, setTrouble), [])
  const waysOfSecond = useMemo(() => behindSecond(ways), [ways])
  useEffect(() => {
    document.documentElement.lang = language
    document.title = texts.product
  }, [language, texts])
  const changeLanguage = (next: Language): void => {
    // Before anything is said in it: days and times are written as it has them.
    document.documentElement.lang = next
    setLanguage(next)
  }
  useEffect(() => {
    start(setStanding, setTrouble, ways)
  }, [ways])
  useEffect(
    () =>
      whenAnotherTabLeaves(() => {
        // Keys that are in this tab's memory alone are no other tab's.
        if (!('device' in standing && standing.device.inMemory)) location.reload()
      }),
    [standing],
  )
  return (
    <TextsContext value={texts}>
      <Connection />
      {trouble === undefined ? (
        <Part key={standing.at}>{screenFor(standing, standing.at === 'second' ? waysOfSecond : ways)}</Part>
      ) : (
        <Stuck trouble={trouble} />
      )}
      <Settings language={language} onLanguage={changeLanguage} />
    </TextsContext>
  )
}

/** It goes on by itself when the connection is back. */
function Stuck({ trouble: { fault, again } }: { readonly trouble: Trouble }): ReactNode {
  const texts = useTexts()
  useEffect(() => {
    addEventListener('online', again)
    return () => {
      removeEventListener('online', again)
    }
  }, [again])
  return (
    <main className="narrow">
      <Notice tone="bad">{explainFault(fault, texts)}</Notice>
      <Button className="primary" onPress={again}>
        {texts.again}
      </Button>
    </main>
  )
}

function screenFor(standing: Standing, ways: Ways): ReactNode {
  if (standing.at === 'starting') return <Wait />
  if (standing.at === 'signed-out') return <SignIn vault={standing.vault} why={standing.why} ways={ways} />
  if (standing.at === 'locked')
    return <Locked vault={standing.vault} protections={standing.protections} ways={ways} />
  const { device } = standing
  if (standing.at === 'first-device') return <Setup device={device} ways={ways} />
  if (standing.at === 'unfinished-deletion') return <UnfinishedDeletion device={device} ways={ways} />
  if (standing.at === 'next-device') return <Restore device={device} ways={ways} />
  return <Haven device={device} ways={ways} />
}

/** Whatever ends a second PIN loads the page anew, so that nothing of it stays in this tab either. */
function behindSecond(ways: Ways): Ways {
  const close = (): void => {
    replaceRoute('')
    location.reload()
  }
  return {
    ...ways,
    signedIn: close,
    left: close,
    onFault: (fault) => {
      const ended = isEnd(fault)
      if (ended) close()
      return ended
    },
  }
}

function isEnd(fault: unknown): boolean {
  return isKeyhavenError(fault, 'ERR_DEVICE_REMOVED') || isKeyhavenError(fault, 'ERR_SIGNED_OUT')
}

type Set<Value> = (value: Value) => void

/** What goes wrong while it is found out how the device stands takes the screen's place, until it goes well. */
function attempt(setTrouble: Set<Trouble | undefined>, work: () => Promise<void>): void {
  const again = (): void => {
    attempt(setTrouble, work)
  }
  void work().then(
    () => {
      setTrouble(undefined)
    },
    (fault: unknown) => {
      setTrouble({ fault, again })
    },
  )
}

function start(setStanding: Set<Standing>, setTrouble: Set<Trouble | undefined>, ways: Ways): void {
  attempt(setTrouble, async () => {
    const { findVault } = await import('./device/device.ts')
    const found = await findVault()
    if (found.status === 'none') setStanding({ at: 'signed-out' })
    else if (found.status === 'evicted') setStanding({ at: 'signed-out', why: 'evicted' })
    else if (found.status === 'locked') setStanding({ ...found, at: 'locked' })
    else ways.opened(found.vault)
  })
}

function createWays(setStanding: Set<Standing>, setTrouble: Set<Trouble | undefined>): Ways {
  const signedIn = (device: Device): void => {
    // Meanwhile nobody is asked anew for what he has just entered.
    setStanding({ at: 'starting' })
    attempt(setTrouble, async () => {
      setStanding(await findStanding(device))
    })
  }
  return {
    signedIn,
    opened: (vault) => {
      attempt(setTrouble, async () => {
        const { resume } = await import('./device/device.ts')
        const device = await resume(vault)
        if (device === undefined) setStanding(await signedOut(vault, 'signedOut'))
        else signedIn(device)
      })
    },
    here: (device) => {
      replaceRoute('')
      setStanding({ at: 'here', device })
    },
    second: (device) => {
      replaceRoute('')
      setStanding({ at: 'second', device })
    },
    left: ({ inMemory }, why) => {
      if (!inMemory) tellOtherTabs()
      dropInvitation()
      goTo('')
      setStanding({ at: 'signed-out', ...(why && { why }) })
    },
    onFault: (fault) => {
      const removed = isKeyhavenError(fault, 'ERR_DEVICE_REMOVED')
      if (!isEnd(fault)) return false
      attempt(setTrouble, async () => {
        const { findVault } = await import('./device/device.ts')
        const found = await findVault()
        const vault = found.status === 'open' ? found.vault : undefined
        setStanding(await signedOut(vault, removed ? 'removed' : 'signedOut'))
      })
      return true
    },
  }
}

/** Who was deleting everything may have no account any more. */
async function signedOut(vault: Vault | undefined, why: 'signedOut' | 'removed'): Promise<Standing> {
  if (vault === undefined) return { at: 'signed-out', why }
  const { isUnfinished } = await import('./device/unfinished.ts')
  const isCut = vault.state() === 'unlocked' && (await isUnfinished(vault, 'deletion'))
  return { at: 'signed-out', vault, why: isCut ? 'deletionCut' : why }
}

/** First device, next device, or one that has the keys: the backup says. Offline, a device that has keys goes on. */
async function findStanding(device: Device): Promise<Standing> {
  const { isUnfinished } = await import('./device/unfinished.ts')
  if (await isUnfinished(device.vault, 'deletion')) return { at: 'unfinished-deletion', device }
  try {
    const { status } = await device.sync.sync()
    if (status === 'no-backup') return { at: 'first-device', device }
    return { at: status === 'pin-needed' ? 'next-device' : 'here', device }
  } catch (fault) {
    const { vault } = device
    if (isKeyhavenError(fault, 'ERR_SIGNED_OUT')) return signedOut(vault, 'signedOut')
    if (isKeyhavenError(fault, 'ERR_DEVICE_REMOVED')) return signedOut(vault, 'removed')
    if (isOffline(fault) && (await device.sync.keys.listKeys()).length > 0) return { at: 'here', device }
    throw fault
  }
}
