import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { addAuthenticator } from '../testing/authenticator.ts'
import { openChromium } from '../testing/chromium.ts'
import type { OwnChromium } from '../testing/chromium.ts'
import { STRICT, STRICTEST, openVaultSite } from '../testing/vault-site.ts'
import type { VaultSite } from '../testing/vault-site.ts'
import type { Scenarios } from './page.ts'

let chromium: OwnChromium
let browser: Browser
let site: VaultSite
let context: BrowserContext
let page: Page

beforeAll(async () => {
  ;[chromium, site] = await Promise.all([openChromium(), openVaultSite()])
  browser = await chromium.launch()
})
afterAll(async () => {
  await chromium.close()
  await site.close()
})
beforeEach(async () => {
  context = await browser.newContext()
  page = await newTab()
})
afterEach(() => context.close())

async function newTab(policy: string = STRICT, into: BrowserContext = context): Promise<Page> {
  const tab = await into.newPage()
  await tab.goto(site.address(policy))
  await tab.waitForFunction('globalThis.scenarios !== undefined')
  return tab
}

async function reload(): Promise<void> {
  await page.reload()
  await page.waitForFunction('globalThis.scenarios !== undefined')
}

/** Runs a scenario of the page, or of another tab. */
async function run<S extends keyof Scenarios>(
  scenario: S,
  args: Parameters<Scenarios[S]>,
  tab: Page = page,
): Promise<Awaited<ReturnType<Scenarios[S]>>> {
  const call = `scenarios[${JSON.stringify(scenario)}](...${JSON.stringify(args)})`
  return tab.evaluate<Awaited<ReturnType<Scenarios[S]>>>(call)
}

describe.each(['indexeddb', 'web-storage', 'worker'] as const)('a vault in Chromium (%s)', (kind) => {
  it('is there after a reload, without a prompt, and gone after destroy with all that belongs to it', async () => {
    expect(await run('create', [kind, ['device']])).toBe('unlocked')
    await reload()
    expect(await run('open', [kind])).toBe('unlocked')
    expect(await run('get', [])).toBe('secret of anna')
    expect(await run('describe', [kind])).toBe('present')
    expect(await run('nostr', [])).toBe(true)
    await run('destroy', [])
    expect(await run('describe', [kind])).toBe('missing')
    expect(await run('leftInStorage', [])).toEqual({ local: [], blobs: 0, deviceKeys: 0 })
  })

  it('with a password starts locked, and tells a wrong one', async () => {
    await run('create', [kind, ['password']])
    await reload()
    expect(await run('open', [kind])).toBe('locked')
    expect(await run('getCode', [])).toBe('ERR_VAULT_LOCKED')
    expect(await run('unlock', ['wrong-password'])).toBe('wrong-password')
    expect(await run('unlock', ['password'])).toBe('unlocked')
    expect(await run('get', [])).toBe('secret of anna')
  })

  it('forgets the device on demand, and then asks', async () => {
    await run('create', [kind, ['device', 'password']])
    await run('forgetDevice', [])
    expect(await run('leftInStorage', [])).toMatchObject({ deviceKeys: 0 })
    await reload()
    expect(await run('open', [kind])).toBe('locked')
    expect(await run('unlock', ['password'])).toBe('unlocked')
  })

  it('takes over what PubPay left', async () => {
    const file = readFileSync(new URL('../../vectors/pubpay.json', import.meta.url), 'utf8')
    const { vectors } = JSON.parse(file) as {
      vectors: { publicKey: string; localStorage: Record<string, string | null> }[]
    }
    await run('create', [kind, ['device']])
    const { publicKey, localStorage } = vectors[0] ?? { publicKey: '', localStorage: {} }
    expect(await run('migrate', [localStorage])).toEqual({
      outcome: { status: 'migrated', publicKey, record: 'moved' },
      left: [],
    })
  })

  it('rescues a row of QryptChat, whose nonces are lost', async () => {
    const file = readFileSync(new URL('../../vectors/qryptchat.json', import.meta.url), 'utf8')
    const { vectors } = JSON.parse(file) as { readonly vectors: readonly Readonly<Record<string, unknown>>[] }
    const sample = vectors.find(({ type }) => type === 'backup-package-7ddec2e') as {
      readonly phone: string
      readonly pin: string
      readonly encryptedIdentityKeys: { readonly dataB64: string }
      readonly encryptedConversationKeys: { readonly dataB64: string }
    }
    const row = JSON.stringify({
      phone_number: sample.phone,
      encrypted_identity_keys: sample.encryptedIdentityKeys.dataB64,
      encrypted_master_key: sample.encryptedConversationKeys.dataB64,
    })
    const rescue = await run('rescue', [row, sample.pin])
    expect(rescue).toMatchObject({ status: 'rescued', keys: { publicKey: 2592, privateKey: 4864 } })
    expect(Object.values(rescue.keys)).toEqual([2592, 4864, 32, 32])
    expect(rescue.told).toBeGreaterThan(100)
  })

  it('writes two thousand records in one batch', async () => {
    await run('create', [kind, ['device']])
    expect(await run('bigBatch', [2000])).toBe(2001)
  })
})

describe('the device key', () => {
  it('is what a vault uses that is opened by its name alone', async () => {
    expect(await run('byNameAlone', [])).toBe('by name')
    expect(await run('leftInStorage', [])).toMatchObject({ deviceKeys: 1 })
  })

  it('refuses every export, also after a reload', async () => {
    await run('create', ['indexeddb', ['device']])
    await reload()
    expect(await run('exportDeviceKeys', [])).toEqual([
      'false',
      'InvalidAccessError',
      'InvalidAccessError',
      'InvalidAccessError',
    ])
  })

  it('stops the copying of the vault’s bytes, not script that runs in the page: the limit of device mode', async () => {
    await run('create', ['indexeddb', ['device']])
    const stolen = await run('copyBlobs', [])
    const elsewhere = await browser.newContext()
    const thief = await newTab(STRICT, elsewhere)
    await run('pasteBlobs', [stolen], thief)
    expect(await run('openCode', ['indexeddb'], thief)).toBe('ERR_DEVICE_KEY_MISSING')
    await elsewhere.close()
    // Injected script needs no more than the app itself does: it opens the vault and reads every key.
    const injected = await newTab()
    expect(await run('open', ['indexeddb'], injected)).toBe('unlocked')
    expect(await run('get', [], injected)).toBe('secret of anna')
  })

  it('is not what a password vault needs: locked, it gives injected script nothing; open, everything', async () => {
    await run('create', ['indexeddb', ['password']])
    const injected = await newTab()
    expect(await run('open', ['indexeddb'], injected)).toBe('locked')
    expect(await run('getCode', [], injected)).toBe('ERR_VAULT_LOCKED')
    expect(await run('get', [])).toBe('secret of anna')
  })
})

describe('an identity in Chromium', () => {
  it('opens the frozen conversation key, and has the frozen safety number, as in Node', async () => {
    const file = readFileSync(new URL('../../vectors/identity-format-1.json', import.meta.url), 'utf8')
    const { identities, safetyNumbers, conversationKey } = JSON.parse(file) as {
      identities: Record<string, { private: string }>
      safetyNumbers: { number: string }[]
      conversationKey: { conversation: string; message: string; key: string }
    }
    const bytes = (hex = ''): number[] => [...Buffer.from(hex, 'hex')]
    const vector = {
      sender: bytes(identities['anna']?.private),
      member: bytes(identities['ben']?.private),
      conversation: conversationKey.conversation,
      message: bytes(conversationKey.message),
    }
    expect(await run('conversationKey', [vector])).toEqual({
      key: bytes(conversationKey.key),
      number: safetyNumbers[0]?.number,
    })
  })
})

describe('two tabs', () => {
  it('write at once, and everything is kept', async () => {
    await run('create', ['indexeddb', ['device']])
    const other = await newTab()
    await run('open', ['indexeddb'], other)
    await Promise.all([run('writeMany', ['one', 30]), run('writeMany', ['two', 30], other)])
    expect((await run('list', [])).length).toBe(61)
    expect((await run('readMany', [])).toSorted()).toEqual((await run('readMany', [], other)).toSorted())
  })

  it('lock together', async () => {
    await run('create', ['indexeddb', ['device']])
    const other = await newTab()
    await run('open', ['indexeddb'], other)
    await run('lock', [], other)
    await expect.poll(() => run('state', [])).toBe('locked')
  })

  it('see each other’s activity: the idle time ends only when nobody uses the vault', async () => {
    await run('create', ['indexeddb', ['device']])
    const other = await newTab()
    let longest: number
    let state: unknown
    do {
      for (const tab of [page, other]) await run('openWithAutoLock', [{ idleMs: 3000 }], tab)
      const end = Date.now() + 4500
      longest = 0
      while (Date.now() < end) {
        const before = Date.now()
        await run('get', []).catch(() => undefined)
        await new Promise((resolve) => setTimeout(resolve, 200))
        state = await run('state', [], other)
        longest = Math.max(longest, Date.now() - before)
      }
      // Where the machine was too busy to use the vault often enough, the trial says nothing.
    } while (longest > 2000)
    expect(state).toBe('unlocked')
    await expect.poll(() => run('state', [], other)).toBe('locked')
    await expect.poll(() => run('state', [])).toBe('locked')
  })

  it('hide one by one: only the hidden one locks', async () => {
    await run('create', ['indexeddb', ['device']])
    const other = await newTab()
    for (const tab of [page, other]) await run('openWithAutoLock', [{ onPageHide: true }], tab)
    await run('hidePage', [], other)
    expect(await run('state', [], other)).toBe('locked')
    expect(await run('state', [])).toBe('unlocked')
  })
})

describe.each(['indexeddb', 'worker'] as const)('a passkey (%s)', (kind) => {
  it('opens the vault after a reload, and without its authenticator nothing does', async () => {
    const authenticator = await addAuthenticator(page)
    expect(await run('passkeys', [])).toEqual({ available: true })
    expect(await run('create', [kind, ['passkey']])).toBe('unlocked')
    await reload()
    expect(await run('open', [kind])).toBe('locked')
    expect(await run('unlock', ['password'])).toBe('no-such-protection')
    expect(await run('unlock', ['passkey'])).toBe('unlocked')
    expect(await run('get', [])).toBe('secret of anna')
    await run('lock', [])
    await authenticator.remove()
    await addAuthenticator(page)
    expect(await run('unlock', ['passkey'])).toBe('cancelled')
    expect(await run('state', [])).toBe('locked')
  })

  it('together with a password needs both', async () => {
    await addAuthenticator(page)
    await run('create', [kind, ['password+passkey']])
    await run('lock', [])
    expect(await run('unlock', ['password'])).toBe('no-such-protection')
    expect(await run('unlock', ['passkey'])).toBe('no-such-protection')
    expect(await run('unlock', ['password+passkey'])).toBe('unlocked')
    expect(await run('get', [])).toBe('secret of anna')
  })
})

describe('the ceremony of a passkey', () => {
  async function lockBehindPasskeyThatWaits(): Promise<void> {
    const authenticator = await addAuthenticator(page)
    await run('create', ['indexeddb', ['passkey']])
    await run('lock', [])
    await authenticator.wait()
  }

  it('demands verification for one passkey of this site, by a fresh challenge, and the PRF’s output is wiped', async () => {
    await addAuthenticator(page)
    await run('create', ['indexeddb', ['passkey']])
    const { asked, challenges, outputs } = await run('watchedPasskey', [])
    const each = { userVerification: 'required', rpId: 'localhost', credentials: 1, challenge: 32 }
    expect(asked).toEqual([each, each])
    expect(challenges).toBe(2)
    expect(outputs.length).toBeGreaterThan(1)
    for (const output of outputs) expect(output).toEqual({ length: 32, wiped: true })
  })

  it('opens nothing when the assertion says that nobody was verified', async () => {
    await addAuthenticator(page)
    await run('create', ['indexeddb', ['passkey']])
    await run('lock', [])
    expect(await run('unverifiedPasskey', [])).toBe('ERR_PASSKEY_UNAVAILABLE {"reason":"not-verified"}')
    expect(await run('state', [])).toBe('locked')
  })

  it('can be aborted, and a second one beside it is told so', async () => {
    await lockBehindPasskeyThatWaits()
    expect(await run('abortedPasskey', [])).toEqual([
      'no error: {"status":"cancelled"}',
      'ERR_PASSKEY_UNAVAILABLE {"reason":"pending"}',
      'locked',
    ])
  })

  it('ends when the person does not answer in time, and says that it was this', async () => {
    await lockBehindPasskeyThatWaits()
    const late = 'ERR_PASSKEY_UNAVAILABLE {"reason":"timed-out"}'
    expect(await run('latePasskey', [])).toEqual(['no error: {"status":"timed-out"}', late, 'locked'])
  })

  it('asks for the one passkey that is named, of several', async () => {
    const first = await addAuthenticator(page)
    await run('create', ['indexeddb', ['passkey']])
    await first.remove()
    await addAuthenticator(page)
    expect(await run('add', ['passkey'])).toContain('no error')
    const [lost, here] = await run('protections', [])
    await run('lock', [])
    expect(await run('unlockSlot', ['passkey', lost?.id ?? ''])).toBe('cancelled')
    expect(await run('unlockSlot', ['passkey', here?.id ?? ''])).toBe('unlocked')
  })
})

describe('a passkey that cannot protect', () => {
  it('is refused for want of the PRF extension, and no vault is left', async () => {
    await addAuthenticator(page, { hasPrf: false })
    expect(await run('createCode', ['indexeddb', ['passkey']])).toBe(
      'ERR_PASSKEY_UNAVAILABLE {"reason":"no-prf"}',
    )
    expect(await run('describe', ['indexeddb'])).toBe('missing')
  })

  it('is refused when its user is not verified', async () => {
    await addAuthenticator(page, { isUserVerified: false })
    expect(await run('createCode', ['indexeddb', ['passkey']])).toBe(
      'ERR_PASSKEY_UNAVAILABLE {"reason":"cancelled"}',
    )
  })

  it('leaves the protections as they were when it is added in vain', async () => {
    await run('create', ['indexeddb', ['device']])
    await addAuthenticator(page, { hasPrf: false })
    expect(await run('add', ['passkey'])).toContain('no-prf')
    expect((await run('protections', [])).length).toBe(1)
  })
})

describe('a vault whose storage the browser deletes', () => {
  it.each(['indexeddb', 'worker'] as const)(
    'is evicted, never a new empty one in silence (%s)',
    async (kind) => {
      await run('create', [kind, ['device']])
      await reload()
      await run('deleteDatabase', [])
      expect(await run('describe', [kind])).toBe('evicted')
      expect(await run('openCode', [kind])).toBe('ERR_VAULT_EVICTED')
      expect(await run('createCode', [kind, ['device']])).toBe('ERR_VAULT_EVICTED')
      expect(await run('create', [kind, ['device'], true])).toBe('unlocked')
      expect(await run('describe', [kind])).toBe('present')
    },
  )

  it('says whether that may happen', async () => {
    await run('create', ['indexeddb', ['device']])
    expect(['persistent', 'best-effort']).toContain(await run('persistence', []))
  })
})

describe('Web Storage', () => {
  it('that fails at any change leaves the old or the new state', async () => {
    const outcomes = await run('cutWebStorage', [])
    const failed = 'ERR_STORAGE_FAILED {"fault":"QuotaExceededError"} old'
    expect(new Set(outcomes)).toEqual(new Set([failed, 'no error: undefined new']))
    expect(outcomes.slice(0, 3)).toEqual([failed, failed, failed])
  })
})

describe('under a strict content security policy', () => {
  it('text is not evaluated and nothing is connected to, and Argon2id is WebAssembly', async () => {
    expect(await run('evaluatesText', [])).toBe('EvalError')
    expect(await run('connects', [])).toBe('TypeError')
    expect(await run('argon2id', [])).toEqual({ implementation: 'wasm', slow: false })
  })

  it('that forbids WebAssembly, too, the fallback opens the vault and says that it is slow', async () => {
    page = await newTab(STRICTEST)
    expect(await run('argon2id', [])).toEqual({ implementation: 'javascript', slow: true })
    await run('create', ['worker', ['password']])
    await run('lock', [])
    expect(await run('unlock', ['password'])).toBe('unlocked')
  })
})

describe('a browser that is killed while it writes', () => {
  it('leaves the records of one batch, whole', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'keyhaven-profile-'))
    for (let round = 0; round < 3; round += 1) {
      const writing = await chromium.launchKillable(profile)
      const tab = await newTab(STRICT, writing.context)
      if (round === 0) await run('create', ['indexeddb', ['device']], tab)
      else {
        await run('open', ['indexeddb'], tab)
        const texts = new Set((await run('readMany', [], tab)).filter((text) => text.startsWith('done')))
        expect(texts.size).toBe(1)
      }
      void run('writeForever', [], tab).catch(() => undefined)
      await expect.poll(() => tab.title()).toMatch(/^done [1-9]/)
      await writing.kill()
    }
    await rm(profile, { recursive: true, force: true })
  })
})
