/** Keys that people bring from QryptChat and PubPay to their first device. */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { nsecEncode } from 'nostr-tools/nip19'
import { decrypt } from 'nostr-tools/nip49'
import { generateSecretKey, getPublicKey } from 'nostr-tools/pure'
import { beforeAll, expect, test } from 'vitest'
import { encodeNpub } from 'keyhaven/nostr'
import { exportSamples, sample } from '../../packages/keyhaven/src/legacy/testing/qryptchat-samples.ts'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import { PIN, choosePin, enterPin, expectNoComplaints, openPagePlace } from '../testing/page-people.ts'
import { expectGoodLooks } from '../testing/page-looks.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'

interface PubPaySample {
  readonly mode: 'device' | 'password'
  readonly publicKey: string
  readonly password: string | null
  readonly localStorage: Readonly<Record<string, string | null>>
}
const vectors = new URL('../../vectors/pubpay.json', import.meta.url)
const pubpay = (JSON.parse(readFileSync(vectors, 'utf8')) as { readonly vectors: readonly PubPaySample[] })
  .vectors

let place: PagePlace
beforeAll(async () => {
  place = await openPagePlace()
})

const reads = (device: PageDevice, text: string | RegExp): Promise<void> =>
  device.page.getByText(text).first().waitFor()

/** A device that is asked for its keys. */
async function firstDevice(phone: string, left: PubPaySample['localStorage'] = {}): Promise<PageDevice> {
  const device = await place.newDevice()
  await device.page.evaluate((entries) => {
    for (const [name, value] of Object.entries(entries)) if (value !== null) localStorage.setItem(name, value)
  }, left)
  await device.signIn(phone)
  await device.sees('Your keys')
  return device
}

/** From the keys to the home screen. */
async function backUp(device: PageDevice): Promise<void> {
  await device.sees('How should this device keep them?')
  await device.press('Continue')
  await choosePin(device, PIN)
  await device.press('Back up my keys')
  await device.sees('Your keys are backed up')
  await device.press('Go to my keys')
  await reads(device, 'Everything is backed up')
}

async function restoreOnNext(phone: string): Promise<PageDevice> {
  const next = await place.newDevice()
  await next.signIn(phone)
  await next.sees('Enter your PIN')
  await enterPin(next, PIN)
  await next.sees('Your keys are here')
  await next.press('Go to my keys')
  return next
}

const choose = (device: PageDevice, text: string): Promise<void> =>
  device.page
    .locator('input[type=file]')
    .setInputFiles({ name: 'export.json', mimeType: 'application/json', buffer: Buffer.from(text) })

test('a file of QryptChat comes in by its password, after what is none was refused, and is on the next device', async () => {
  const phone = randomPhone()
  const device = await firstDevice(phone)
  const [{ exportJson, password }] = exportSamples
  await device.page.getByText('Bring a file from QryptChat').click()
  await device.press('Open the file')
  await reads(device, 'Choose the file first.')
  await choose(device, exportJson.slice(0, -20))
  await device.press('Open the file')
  await reads(device, 'That is no file from QryptChat')
  await choose(
    device,
    JSON.stringify({
      encrypted_identity_keys: sample.encryptedIdentityKeys.dataB64,
      salt: sample.storedRandomSaltHex,
    }),
  )
  await device.press('Open the file')
  await reads(device, 'That comes from QryptChat')
  await choose(device, 'x'.repeat(3_000_000))
  await reads(device, 'That is no file from QryptChat')
  await choose(device, exportJson)
  await device.fill('Password of the file', `${password}1`)
  await device.press('Open the file')
  await reads(device, 'The password does not open this file, or the file is damaged.')
  await expectGoodLooks(device, 'qryptchat')
  await device.fill('Password of the file', password)
  await device.press('Open the file')
  await reads(device, '4 keys are here now.')
  await device.press('Continue')
  await backUp(device)
  await reads(device, '4 keys from QryptChat')
  const next = await restoreOnNext(phone)
  await reads(next, '4 keys from QryptChat')
  expectNoComplaints(device, next)
})

test('each of the other kinds of QryptChat’s files comes in', async () => {
  for (const { exportJson, password } of exportSamples.slice(1)) {
    const device = await firstDevice(randomPhone())
    await device.page.getByText('Bring a file from QryptChat').click()
    await choose(device, exportJson)
    await device.fill('Password of the file', password)
    await device.press('Open the file')
    await reads(device, '4 keys are here now.')
    expectNoComplaints(device)
    await device.context.close()
  }
})

/** What from now on is stretched in a worker, and leaves the page free meanwhile. */
async function watchStretching({ page }: PageDevice): Promise<() => Promise<readonly string[]>> {
  const asked = await page.evaluateHandle(() => {
    const by: string[] = []
    const post = Reflect.get(Worker.prototype, 'postMessage')
    Worker.prototype.postMessage = function postMessage(this: Worker, message: { by?: string }, ...rest: []) {
      if (message.by !== undefined) by.push(message.by)
      post.call(this, message, ...rest)
    }
    return by
  })
  return () => asked.jsonValue()
}

test('a Nostr key comes in as nsec or under its password, leaves under another one, and all of a person’s data is saved without it', async () => {
  const secretKey = generateSecretKey()
  const npub = encodeNpub(getPublicKey(secretKey))
  const bring = async (device: PageDevice): Promise<void> => {
    await backUp(device)
    await device.page.getByRole('link', { name: 'Nostr' }).click()
    await reads(device, npub)
  }
  const one = await firstDevice(randomPhone())
  await one.page.getByText('Bring a key that I have').click()
  await one.fill('Your key', nsecEncode(secretKey).slice(0, -1))
  await one.press('Continue')
  await reads(one, 'That does not look like a key.')
  await one.fill('Your key', nsecEncode(secretKey))
  await one.press('Continue')
  await bring(one)
  const stretchedByOne = await watchStretching(one)
  await one.fill('Password for the locked key', 'seven quiet herons 41')
  await one.press('Show the locked key')
  const locked = await one.page.getByText(/^ncryptsec1/).innerText()
  expect(await stretchedByOne()).toEqual(['scrypt'])
  expect(decrypt(locked, 'seven quiet herons 41')).toEqual(secretKey)
  await one.page.getByRole('link', { name: 'Security' }).click()
  const saving = one.page.waitForEvent('download')
  await one.press('Save all my data')
  const saved = await readFile(await (await saving).path(), 'utf8')
  expect(JSON.parse(saved)).toMatchObject({ phone: expect.any(String) as string, conversations: [] })
  expect(saved).not.toContain(Buffer.from(secretKey).toString('hex'))
  expect(saved).not.toContain(Buffer.from(secretKey).toString('base64'))

  const two = await firstDevice(randomPhone())
  const stretchedByTwo = await watchStretching(two)
  await two.page.getByText('Bring a key that I have').click()
  await two.fill('Your key', locked)
  await two.fill('Password of this key', 'seven quiet herons 42')
  await two.press('Continue')
  await reads(two, 'The password does not open this key, or the key is damaged.')
  await two.fill('Password of this key', 'seven quiet herons 41')
  await two.press('Continue')
  await two.sees('How should this device keep them?')
  expect(await stretchedByTwo()).toEqual(['scrypt', 'scrypt'])
  await bring(two)
  expectNoComplaints(one, two)
})

/** Which of PubPay's entries are in the browser. */
const stored = ({ page }: PageDevice): Promise<string[]> =>
  page.evaluate(() =>
    ['_dk', 'privateKey', 'publicKey', 'signInMethod'].filter((name) => localStorage.getItem(name) !== null),
  )

test.each(pubpay.filter(({ mode }, at, all) => all.findIndex((one) => one.mode === mode) === at))(
  'what PubPay left in $mode mode moves here, and PubPay’s copy goes once it is backed up',
  async (left) => {
    const phone = randomPhone()
    const device = await firstDevice(phone, left.localStorage)
    await device.page.getByText('Take over your key from PubPay').click()
    if (left.password !== null) {
      await device.fill('Password that you gave PubPay', 'wrong')
      await device.press('Continue')
      await reads(device, 'The password does not open the key')
      await expectGoodLooks(device, 'pubpay')
      await device.fill('Password that you gave PubPay', left.password)
    }
    await device.press('Continue')
    await device.sees('How should this device keep them?')
    expect(await stored(device)).toContain('privateKey')
    await backUp(device)
    expect(await stored(device)).toEqual([])
    await device.page.getByRole('link', { name: 'Nostr' }).click()
    await reads(device, encodeNpub(left.publicKey))
    expectNoComplaints(device)
  },
)

test('what of PubPay does not open is left as it is, and a key that was left behind is moved later', async () => {
  const [left] = pubpay
  if (left === undefined) throw new Error('no sample')
  const { _dk, ...rest } = left.localStorage
  const phone = randomPhone()
  const device = await firstDevice(phone, rest)
  await device.page.getByText('Take over your key from PubPay').click()
  await device.press('Continue')
  await reads(device, 'A part of what PubPay left is gone')
  expect(await stored(device)).toEqual(['privateKey', 'publicKey', 'signInMethod'])
  await device.page.getByText('Make me new keys').click()
  await device.press('Continue')
  await backUp(device)
  await device.page.evaluate((key) => {
    localStorage.setItem('_dk', key)
  }, _dk ?? '')
  await device.page.getByRole('link', { name: 'Nostr' }).click()
  await reads(device, 'PubPay has a key in this browser')
  await device.press('Move it here')
  await reads(device, encodeNpub(left.publicKey))
  await expect.poll(() => stored(device)).toEqual([])
  expectNoComplaints(device)
})
