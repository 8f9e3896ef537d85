import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { toBase64 } from 'keyhaven/crypto'
import { createKeySync, httpTransport, openSession, requestSignInCode, signIn } from 'keyhaven/sync'
import type { Fetch, Session } from 'keyhaven/sync'
import { KeySyncService, createCompat } from 'keyhaven/sync/compat'
import { OTHER_PIN, PIN, makeKeys, newVault, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'
import { runPublishedCode } from './testing/qryptchat-code.ts'

let place: Place

beforeAll(async () => {
  place = await openPlace()
})

describe('a session', () => {
  test('renews its tokens by itself, once for many requests at a time', async () => {
    const device = await place.newDevice()
    const network = counting()
    const session = await open(device, network.fetch)
    passTenMinutes()
    const requests = Array.from({ length: 8 }, () => session.request({ method: 'GET', path: '/v1/pointer' }))
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(network.refreshes()).toBe(1)
  })

  test('takes the tokens that another process of the same device has renewed', async () => {
    const device = await place.newDevice()
    const [one, two] = [counting(), counting()]
    const sessions = [await open(device, one.fetch), await open(device, two.fetch)]
    passTenMinutes()
    for (const session of sessions) await session.request({ method: 'GET', path: '/v1/pointer' })
    expect([one.refreshes(), two.refreshes()]).toEqual([1, 0])
  })

  test('whose refresh was answered on a line that broke goes on', async () => {
    const device = await place.newDevice()
    let broken = false
    const session = await open(device, async (input, init) => {
      const response = await fetch(input, init)
      if (broken || new URL(input as string).pathname !== '/v1/auth/refresh') return response
      broken = true
      throw new TypeError('lost')
    })
    passTenMinutes()
    const request = { method: 'GET', path: '/v1/pointer' } as const
    await expect(session.request(request)).rejects.toMatchObject({ code: 'ERR_SERVER_UNAVAILABLE' })
    expect((await session.request(request)).status).toBe(200)
  })

  test('that was signed out is over: ERR_SIGNED_OUT, and the vault has none any more', async () => {
    const device = await place.newDevice()
    const session = await open(device)
    const other = await open(device)
    await session.signOut()
    expect(await openSession({ vault: device.vault })).toBeUndefined()
    await expect(other.request({ method: 'GET', path: '/v1/pointer' })).rejects.toMatchObject({
      code: 'ERR_SIGNED_OUT',
    })
    await session.signOut()
  })

  test('is begun anew by a device of the account with a code that is kept for it', async () => {
    const device = await place.newDevice()
    const { origin } = place.app
    const bodies: unknown[] = []
    const watched: Fetch = (input, init) => {
      bodies.push(JSON.parse(init?.body as string))
      return fetch(input, init)
    }
    const { phone, vault, deviceId } = device
    await (await open(device)).signOut()
    await requestSignInCode({ origin, phone, vault, fetch: watched })
    await requestSignInCode({ origin, phone, vault: await newVault(), fetch: watched })
    expect(bodies).toEqual([{ phone, deviceId }, { phone }])
  })

  test('is not begun with a wrong code, a number that is none, or over plain http beyond this machine', async () => {
    const vault = await newVault()
    const { origin } = place.app
    const { requestId } = await requestSignInCode({ origin, phone: '+15005550006' })
    const right = place.app.codes.get('+15005550006') ?? ''
    const code = right === '000000' ? '000001' : '000000'
    const input = { origin, phone: '+15005550006', requestId, code, vault, deviceLabel: 'x' }
    await expect(signIn(input)).rejects.toMatchObject({ code: 'ERR_CODE_REJECTED' })
    await expect(requestSignInCode({ origin, phone: 'nobody' })).rejects.toMatchObject({
      code: 'ERR_PHONE_INVALID',
    })
    await expect(
      requestSignInCode({ origin: 'http://example.org', phone: '+15005550006' }),
    ).rejects.toMatchObject({
      code: 'ERR_INSECURE_TRANSPORT',
    })
    expect(await openSession({ vault })).toBeUndefined()
  })

  test('of another account is refused by a vault that belongs to one', async () => {
    const device = await place.newDevice()
    const { origin } = place.app
    const phone = (await place.newDevice()).phone
    const { requestId } = await requestSignInCode({ origin, phone })
    const code = place.app.codes.get(phone) ?? ''
    await expect(
      signIn({ origin, phone, requestId, code, vault: device.vault, deviceLabel: 'x' }),
    ).rejects.toMatchObject({ code: 'ERR_ACCOUNT_MISMATCH' })
    expect((await open(device)).phone).toBe(device.phone)
  })
})

describe("QryptChat's published calls", () => {
  test('run as the document has them, over this server', async () => {
    const { phone } = await place.newDevice()
    await runPublishedCode(async () => {
      const device = await place.newDevice({ phone })
      const { vault } = device
      return { ...createCompat({ connect: (client: TestPerson) => client.sync(), vault }), supabase: device }
    }, phone)
  })

  test('back up, restore and check with base64 keys, and say success and status each time', async () => {
    const [first, second] = await twoServices()
    const keys = makeKeys(3)
    const input = {
      phoneNumber: first.phone,
      pin: PIN,
      identityKeys: toText(keys.identityKeys),
      conversationKeys: keys.conversationKeys,
      deviceFingerprint: 'any label',
    }
    expect(await first.service.checkBackupStatus(first.phone)).toMatchObject({
      success: true,
      hasBackup: false,
    })
    expect(await second.service.restoreKeys(first.phone, PIN)).toMatchObject({
      success: false,
      status: 'no-backup',
    })
    expect(await first.service.backupKeys(input)).toMatchObject({
      success: true,
      status: 'backed-up',
      created: true,
    })
    expect(await first.service.backupKeys(input)).toMatchObject({ success: true, uploaded: 0 })
    expect(await second.service.restoreKeys(first.phone, OTHER_PIN, 'label')).toMatchObject({
      success: false,
      status: 'wrong-pin',
      guessesRemaining: 9,
    })
    expect(await second.service.restoreKeys(formatted(first.phone), PIN)).toEqual({
      success: true,
      status: 'restored',
      identityKeys: toText(keys.identityKeys),
      conversationKeys: toText(keys.conversationKeys),
    })
    expect(await second.service.checkBackupStatus()).toMatchObject({
      success: true,
      hasBackup: true,
      conversationKeys: 3,
    })
  })

  test('answer wrong-pin to a backup under another PIN, and replace nothing', async () => {
    const [first, second] = await twoServices()
    const input = { phoneNumber: first.phone, identityKeys: {}, conversationKeys: { a: 'AQID' } }
    await first.service.backupKeys({ ...input, pin: PIN })
    expect(await second.service.backupKeys({ ...input, pin: OTHER_PIN })).toMatchObject({
      success: false,
      status: 'wrong-pin',
      guessesRemaining: 9,
    })
    expect(await second.service.restoreKeys(first.phone, PIN)).toMatchObject({ success: true })
  })

  test('refuse another phone number, keys that are no base64 and weak PINs, with a status and a sentence', async () => {
    const [first] = await twoServices()
    const input = { phoneNumber: first.phone, pin: PIN, identityKeys: {}, conversationKeys: {} }
    expect(await first.service.backupKeys({ ...input, phoneNumber: '+15005550006' })).toMatchObject({
      success: false,
      status: 'wrong-phone',
    })
    expect(await first.service.backupKeys({ ...input, identityKeys: { a: 'not base64' } })).toMatchObject({
      status: 'failed',
      code: 'ERR_INPUT_INVALID',
    })
    expect(await first.service.backupKeys({ ...input, pin: '111111' })).toMatchObject({
      success: false,
      code: 'ERR_PIN_REFUSED',
      error: 'The PIN does not keep the rules.',
    })
    expect(await first.service.checkBackupStatus(first.phone)).toMatchObject({ hasBackup: false })
  })
})

describe('an operation', () => {
  test('that is aborted ends with ERR_ABORTED and can be repeated', async () => {
    const device = await place.newDevice()
    await device.keys.importKeys(makeKeys(1))
    const controller = new AbortController()
    const sync = await device.sync()
    const phases: string[] = []
    const running = sync.backup({
      pin: PIN,
      signal: controller.signal,
      onProgress: ({ phase }) => {
        phases.push(phase)
        if (phase === 'register') controller.abort()
      },
    })
    await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(phases).toContain('upload')
    await expect(sync.backup({ pin: PIN, signal: controller.signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    })
    expect(await sync.backup({ pin: PIN })).toMatchObject({ status: 'backed-up', created: true })
  })

  test('on a vault is done one after another, however many are begun at once', async () => {
    const device = await place.newDevice()
    await device.keys.importKeys(makeKeys(2))
    const sync = await device.sync()
    const [first, ...others] = await Promise.all(Array.from({ length: 4 }, () => sync.backup({ pin: PIN })))
    expect(first).toMatchObject({ created: true })
    for (const other of others) expect(other).toMatchObject({ created: false, uploaded: 0 })
  })
})

async function open(device: TestPerson, through?: Fetch): Promise<Session> {
  const session = await openSession({ vault: device.vault, ...(through !== undefined && { fetch: through }) })
  if (session === undefined) throw new Error('The test device is not signed in.')
  return session
}

/** An access token lives ten minutes at the server, whatever the device thinks. */
function passTenMinutes(): void {
  place.wait(11 * 60_000)
  onTestFinished(() => {
    place.wait(-11 * 60_000)
  })
}

function counting(): { readonly fetch: Fetch; readonly refreshes: () => number } {
  let refreshes = 0
  return {
    fetch: (input, init) => {
      if (new URL(input as string).pathname === '/v1/auth/refresh') refreshes += 1
      return fetch(input, init)
    },
    refreshes: () => refreshes,
  }
}

interface CompatPerson {
  readonly phone: string
  readonly service: KeySyncService
}

async function twoServices(): Promise<readonly [CompatPerson, CompatPerson]> {
  const first = await place.newDevice()
  const second = await place.newDevice({ phone: first.phone })
  const session = await open(second)
  const { vault } = second
  const { configuration } = place
  const fromOptions = new KeySyncService({ transport: httpTransport({ session }), vault, configuration })
  await fromOptions.initialize()
  expect(createKeySync({ transport: httpTransport({ session }), vault, configuration }).phone).toBe(
    first.phone,
  )
  return [
    { phone: first.phone, service: new KeySyncService(await first.sync()) },
    { phone: first.phone, service: fromOptions },
  ]
}

function formatted(phone: string): string {
  return `${phone.slice(0, 2)} (${phone.slice(2, 5)}) ${phone.slice(5)}`
}

function toText(keys: Readonly<Record<string, Uint8Array>>): Record<string, string> {
  return Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, toBase64(key)] as const))
}
