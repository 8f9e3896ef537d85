import { beforeAll, describe, expect, test } from 'vitest'
import { randomBytes } from 'keyhaven/crypto'
import { httpTransport, openSession } from 'keyhaven/sync'
import type { KeySyncTransport, LinkAcceptOutcome, LinkOfferOutcome } from 'keyhaven/sync'
import { PIN, makeKeys, openPlace } from './testing/people.ts'
import type { Place, TestPerson } from './testing/people.ts'

const pollMs = 20

let place: Place
let old: TestPerson
beforeAll(async () => {
  place = await openPlace()
  old = await place.newDevice({ label: 'Old' })
  await old.keys.importKeys(makeKeys(1))
  await (await old.sync()).backup({ pin: PIN })
})

type Bend = (transport: KeySyncTransport) => Partial<KeySyncTransport>

/** A device's way to the server, with somebody between. */
async function through(person: TestPerson, bend: Bend): Promise<{ readonly transport: KeySyncTransport }> {
  const session = await openSession({ vault: person.vault })
  if (session === undefined) throw new Error('not signed in')
  const transport = httpTransport({ session })
  return { transport: { ...transport, ...bend(transport) } }
}

const settled = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((fault: unknown) => (fault as { readonly code?: string }).code)

interface Run {
  readonly offered: LinkOfferOutcome | string
  readonly accepted: LinkAcceptOutcome | string
  readonly digits: readonly (string | undefined)[]
}

/** Links a new device; by its code, or by digits to which both people answer as told. */
async function link(
  fresh: TestPerson,
  how: {
    readonly by: 'code' | 'digits'
    readonly yes?: { readonly old?: boolean; readonly fresh?: boolean }
    readonly oldThrough?: Bend
    readonly freshThrough?: Bend
  },
): Promise<Run> {
  const digits: (string | undefined)[] = []
  const answer = (yes: boolean) => (shown: string | undefined) => {
    digits.push(shown)
    return Promise.resolve(yes)
  }
  const none: Bend = () => ({})
  const newSync = await fresh.sync(await through(fresh, how.freshThrough ?? none))
  const oldSync = await old.sync(await through(old, how.oldThrough ?? none))
  let accepted: Promise<unknown> = Promise.resolve('never')
  const offered = await settled(
    newSync.offerLink({
      pollMs,
      confirm: answer(how.yes?.fresh ?? true),
      onCode: (code) => {
        const confirm = answer(how.yes?.old ?? true)
        accepted = settled(oldSync.acceptLink({ pollMs, confirm, ...(how.by === 'code' && { code }) }))
      },
    }),
  )
  return { offered, accepted: await accepted, digits } as Run
}

const newDevice = (label: string): Promise<TestPerson> => place.newDevice({ phone: old.phone, label })
const waysOf = async (): Promise<readonly string[]> =>
  (await (await old.sync()).listWays()).map(({ label }) => label)

describe('a device at hand', () => {
  test('is let in by its code, without the PIN and without digits, once the old one’s person has said yes to its name', async () => {
    const fresh = await newDevice('By code')
    const { offered, accepted, digits } = await link(fresh, { by: 'code' })
    expect(offered).toMatchObject({ status: 'restored', identityKeys: 2, deviceAdded: true })
    expect(accepted).toEqual({ status: 'linked', label: 'By code' })
    expect(digits).toEqual([undefined])
    expect(await fresh.keys.exportKeys()).toEqual(await old.keys.exportKeys())
    expect(await waysOf()).toContain('By code')
    expect(await (await fresh.sync()).sync()).toMatchObject({ status: 'synced' })
  })

  test('is let in by six digits that both show', async () => {
    const fresh = await newDevice('By digits')
    const { offered, accepted, digits } = await link(fresh, { by: 'digits' })
    expect([offered, accepted]).toMatchObject([{ status: 'restored' }, { status: 'linked' }])
    expect(digits).toHaveLength(2)
    expect(digits[0]).toMatch(/^\d{6}$/)
    expect(digits[0]).toBe(digits[1])
  })

  test('is not let in when one of the two says no, and the mailbox is closed', async () => {
    for (const how of [
      { by: 'digits', yes: { old: false } },
      { by: 'digits', yes: { fresh: false } },
      { by: 'code', yes: { old: false } },
    ] as const) {
      const { offered, accepted } = await link(await newDevice('Refused'), how)
      expect(offered).toEqual({ status: 'refused' })
      // Who closes the mailbox at once is not seen saying no.
      expect([{ status: 'refused' }, { status: 'expired' }]).toContainEqual(accepted)
      expect(await (await old.sync()).acceptLink({ pollMs, confirm: () => Promise.resolve(true) })).toEqual({
        status: 'no-offer',
      })
    }
    expect(await waysOf()).not.toContain('Refused')
  })

  test('needs a backup on one side and an offer on the other', async () => {
    const confirm = (): Promise<boolean> => Promise.resolve(true)
    const empty = await place.newDevice()
    const onCode = (): void => undefined
    expect(await (await empty.sync()).offerLink({ onCode, confirm })).toEqual({ status: 'no-backup' })
    expect(await (await empty.sync()).acceptLink({ confirm })).toEqual({ status: 'no-backup' })
    const fresh = await newDevice('Not joined')
    await expect((await fresh.sync()).acceptLink({ confirm })).rejects.toMatchObject({
      code: 'ERR_AUTHORITY_REQUIRED',
    })
    expect(await (await old.sync()).acceptLink({ confirm })).toEqual({ status: 'no-offer' })
    await expect((await old.sync()).acceptLink({ confirm, code: 'KEYHAVEN-LINK:1:x' })).rejects.toMatchObject(
      {
        code: 'ERR_INPUT_INVALID',
      },
    )
  })

  test('stops waiting when the mailbox has run out, or the caller has had enough', async () => {
    const confirm = (): Promise<boolean> => Promise.resolve(true)
    const fresh = await newDevice('Late')
    const controller = new AbortController()
    const onCode = (): void => {
      controller.abort()
    }
    const stopped = (await fresh.sync()).offerLink({ pollMs, confirm, onCode, signal: controller.signal })
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    const replaced = (await fresh.sync()).offerLink({
      pollMs,
      confirm,
      onCode: () => {
        void place.app.database.asSuperuser('DELETE FROM app.links WHERE user_id = $1', [old.accountId])
      },
    })
    expect(await replaced).toEqual({ status: 'expired' })
  })
})

describe('a relay that lies', () => {
  /** Shows the old device another key in the offer: its own, under its own commitment. */
  const swapped: Bend = (transport) => ({
    readLink: async (signal) => {
      const served = await transport.readLink(signal)
      const [offer, ...rest] = served.messages
      if (offer === undefined) return served
      const forged = Uint8Array.from(offer)
      forged.set(randomBytes(1216), 17)
      return { ...served, messages: [forged, ...rest] }
    },
  })

  test('cannot swap the key of a scanned code', async () => {
    const { offered, accepted } = await link(await newDevice('Swapped'), { by: 'code', oldThrough: swapped })
    expect(accepted).toBe('ERR_LINK_FORGED')
    expect(offered).toEqual({ status: 'expired' })
  })

  test('shows in the digits, or by the commitment, when it swaps the key of an offer', async () => {
    const { offered, accepted } = await link(await newDevice('Swapped'), {
      by: 'digits',
      oldThrough: swapped,
    })
    expect(accepted).toBe('ERR_LINK_FORGED')
    expect(offered).not.toMatchObject({ status: 'restored' })
    const answered: Bend = (transport) => ({
      readLink: async (signal) => {
        const served = await transport.readLink(signal)
        const [offer, answer, ...rest] = served.messages
        if (offer === undefined || answer === undefined) return served
        const forged = Uint8Array.from(answer)
        forged.set(randomBytes(16), forged.length - 16)
        return { ...served, messages: [offer, forged, ...rest] }
      },
    })
    const { digits, offered: fooled } = await link(await newDevice('Swapped'), {
      by: 'digits',
      freshThrough: answered,
    })
    expect(digits).toHaveLength(2)
    expect(digits[0]).not.toBe(digits[1])
    expect(fooled).toBe('ERR_LINK_FORGED')
  })

  test('cannot change the nonce after the commitment, nor the root key', async () => {
    const replacing =
      (index: number, length: number): Bend =>
      (transport) => ({
        readLink: async (signal) => {
          const served = await transport.readLink(signal)
          return {
            ...served,
            messages: served.messages.map((message, at) => (at === index ? new Uint8Array(length) : message)),
          }
        },
      })
    const nonce = await link(await newDevice('Nonce'), { by: 'digits', oldThrough: replacing(2, 16) })
    expect(nonce.accepted).toBe('ERR_LINK_FORGED')
    const root = await link(await newDevice('Root'), { by: 'code', freshThrough: replacing(3, 52) })
    expect(root.offered).toBe('ERR_LINK_FORGED')
    expect(root.accepted).toMatchObject({ status: 'linked' })
    const replayed = await link(await newDevice('Garbage'), { by: 'code', oldThrough: replacing(0, 40) })
    expect(replayed.accepted).toBe('ERR_LINK_FORGED')
  })
})
