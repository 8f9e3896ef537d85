/** Two people write to each other on the page; one of them gets a new device. */
import { beforeAll, expect, test } from 'vitest'
import { toBase64 } from 'keyhaven/crypto'
import { generateIdentity } from 'keyhaven/identity'
import { deriveProof, parseInvite } from '../../packages/page/src/web/messenger/invite.ts'
import { randomPhone } from '../../packages/server/src/testing/app.ts'
import { PIN, enterPin, expectNoComplaints, openPagePlace, setUp } from '../testing/page-people.ts'
import { expectGoodLooks } from '../testing/page-looks.ts'
import { newSetUpDevice } from '../testing/page-prepared.ts'
import type { PageDevice, PagePlace } from '../testing/page-people.ts'

const MARKUP = '<img src=x onerror=alert(1)>'

let place: PagePlace
let anna: PageDevice
let ben: PageDevice
/** Anna's next device. */
let phone: PageDevice
const annasPhone = randomPhone()
/** By which Ben came. */
let link = ''

beforeAll(async () => {
  place = await openPagePlace()
  anna = await newSetUpDevice(place, annasPhone)
  ben = await place.newDevice()
})

const reads = (device: PageDevice, text: string | RegExp): Promise<void> =>
  device.page.getByText(text).last().waitFor()

async function write(device: PageDevice, text: string): Promise<void> {
  await device.fill('Write a message', text)
  await device.page.getByLabel('Write a message').press('Enter')
}

/** The messages as they are shown, oldest first. */
async function shown({ page }: PageDevice): Promise<readonly string[]> {
  return page.getByRole('log').locator('p').allInnerTexts()
}

const follow = (device: PageDevice, name: string): Promise<void> =>
  device.page.getByRole('link', { name }).click()

test('somebody who is invited signs in, sets up, joins and writes; markup is text', async () => {
  await anna.page.getByText('No conversations yet.').waitFor()
  await follow(anna, 'Invite somebody')
  await anna.sees('Invite somebody')
  await expectGoodLooks(anna, 'invite')
  await anna.fill('Name of this person', `Ben ${MARKUP}`)
  await anna.press('Make a link')
  await anna.sees(`Ben ${MARKUP}`)
  await reads(anna, 'Nobody has opened it yet.')
  await anna.page.reload()
  link = await anna.page.getByText(/\/#\/join\//).innerText()
  await expectGoodLooks(anna, 'invite-link')

  await ben.page.goto(link)
  await ben.page.reload()
  await reads(ben, 'You are invited to a conversation.')
  expect(ben.page.url()).not.toContain(link.slice(-20))
  await expectGoodLooks(ben, 'invited')
  await setUp(ben, randomPhone(), { toHome: false })
  await ben.sees('You are invited to a conversation')
  await expectGoodLooks(ben, 'join')
  await ben.fill('Name of this person', 'Anna')
  await ben.press('Join')
  await ben.sees('Anna')
  await write(ben, `${MARKUP} hello`)
  await reads(anna, `${MARKUP} hello`)
  await write(anna, 'Hello Ben,\nhow are you?')
  await reads(ben, /how are you\?/)
  expect(await shown(ben)).toEqual([`${MARKUP} hello`, 'Hello Ben,\nhow are you?'])
  expect(await ben.page.evaluate(() => sessionStorage.length)).toBe(0)
  await expectGoodLooks(anna, 'conversation')
  expectNoComplaints(anna, ben)
})

test('both see the same sixty digits, and a new key on demand', async () => {
  await follow(anna, 'Compare')
  await follow(ben, 'More')
  const digits = await Promise.all([anna, ben].map(({ page }) => page.locator('.groups').innerText()))
  expect(digits[0]?.match(/\d{5}/g)).toHaveLength(12)
  expect(digits[0]).toBe(digits[1])
  await anna.press('They are the same')
  await reads(anna, /^You have compared the numbers/)
  await anna.press('Make a new key')
  await reads(anna, 'From here on, a new key locks what the two of you write.')
  await expectGoodLooks(anna, 'about-conversation')
  await ben.fill('Name of this person', 'Anna K.')
  await ben.press('Save')
  await ben.sees('Anna K.')
  await follow(ben, 'Back to the conversation')
  await reads(ben, 'From here on, a new key locks what the two of you write.')
  await follow(anna, 'Back to the conversation')
  await anna.page.getByText('You have not compared numbers yet.').waitFor({ state: 'hidden' })
  await write(ben, 'Under the new key')
  await reads(anna, 'Under the new key')
  expectNoComplaints(anna, ben)
})

test('without a connection a message says that it was not sent, survives a reload, and is sent once when one tries again', async () => {
  await ben.context.setOffline(true)
  await write(ben, 'From the train')
  await reads(ben, 'Not sent')
  await reads(ben, 'No connection. Check your network; nothing is lost.')
  await write(ben, 'Never mind')
  await ben.page.getByText('Not sent').nth(1).waitFor()
  await expectGoodLooks(ben, 'not-sent')
  await ben.page.getByRole('button', { name: 'Discard' }).last().click()
  await ben.context.setOffline(false)
  await ben.page.reload()
  await reads(ben, 'Not sent')
  await ben.press('Try again')
  await ben.page.getByText('Not sent').waitFor({ state: 'hidden' })
  await reads(anna, 'From the train')
  expect((await shown(anna)).filter((text) => text === 'From the train')).toHaveLength(1)
  expect(await shown(anna)).not.toContain('Never mind')
  expectNoComplaints(anna, ben)
})

test('the old messages are readable on a new device, with number and PIN, under the same name', async () => {
  const all = await shown(anna)
  expect(all).toHaveLength(4)
  phone = await place.newDevice()
  await phone.signIn(annasPhone)
  await enterPin(phone, PIN)
  await phone.press('Go to my keys')
  const row = phone.page.getByRole('link', { name: /^Ben / })
  expect(await row.innerText()).toMatch(/^Ben <img src=x onerror=alert\(1\)>\s*4 messages$/)
  await expectGoodLooks(phone, 'conversations')
  expect(await phone.page.locator('main').innerText()).not.toMatch(/[0-9a-f]{32}/)
  await row.click()
  await reads(phone, 'From the train')
  expect(await shown(phone)).toEqual(all)
  await write(phone, 'From my new phone')
  await reads(ben, 'From my new phone')
  await reads(anna, 'From my new phone')
  expectNoComplaints(anna, ben, phone)
})

const toHome = ({ page }: PageDevice): Promise<void> =>
  page.getByRole('navigation').getByRole('link', { name: 'Home' }).click()

type Json = Readonly<Record<string, unknown>>

/** While `work` runs, the server's answers to `path` are changed on their way to this device. */
async function lying(
  { context, page }: PageDevice,
  path: string,
  bend: (json: Json) => Json,
  work: () => Promise<void>,
): Promise<void> {
  await context.route(path, async (route) => {
    if (!['GET', 'POST'].includes(route.request().method())) return route.continue()
    const answer = await route.fetch()
    return answer.ok()
      ? route.fulfill({ response: answer, json: bend((await answer.json()) as Json) })
      : route.fulfill({ response: answer })
  })
  await page.reload()
  await work()
  await context.unrouteAll({ behavior: 'wait' })
  await page.reload()
}

/** While `work` runs, nothing of this device gets into the backup. */
async function withoutBackup<T>({ context }: PageDevice, work: () => Promise<T>): Promise<T> {
  await context.route('**/v1/log/segments/*', (route) =>
    route.request().method() === 'GET' ? route.continue() : route.abort(),
  )
  const done = await work()
  await context.unrouteAll({ behavior: 'wait' })
  return done
}

const MESSAGES = '**/v1/messenger/conversations/*/messages*'

test('a server that leaves out or edits what was written is found out, and so is one that shows another person', async () => {
  const warns = (text: string | RegExp): Promise<void> =>
    anna.page.getByRole('alert').filter({ hasText: text }).waitFor()
  const cannotWrite = async (): Promise<void> => {
    expect(await anna.page.getByLabel('Write a message').count()).toBe(0)
    expect(await anna.page.getByRole('log').count()).toBe(0)
  }
  const messagesOf = (json: Json): readonly Json[] => json['messages'] as readonly Json[]
  const edit = (message: Json): Json => {
    const bytes = Buffer.from(String(message['body']), 'base64')
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    return { ...message, body: bytes.toString('base64') }
  }
  await lying(
    anna,
    MESSAGES,
    (json) => ({ messages: messagesOf(json).map((one) => (one['place'] === 3 ? edit(one) : one)) }),
    async () => {
      await warns('What the server shows is not what was written')
      await reads(anna, 'This message cannot be opened on this device.')
      await expectGoodLooks(anna, 'altered')
    },
  )
  await lying(
    anna,
    MESSAGES,
    (json) => ({
      messages: messagesOf(json)
        .filter((one) => one['place'] !== 2)
        .map((one, index) => ({ ...one, place: index + 1 })),
    }),
    () => warns('a message is missing, changed or moved'),
  )
  const mallory = await generateIdentity()
  const swap =
    (proof?: Uint8Array) =>
    (json: Json): Json => {
      const guest = { ...(json['guest'] as Json), identity: toBase64(mallory.publicIdentity.bytes) }
      return { ...json, guest: { ...guest, ...(proof && { proof: toBase64(proof) }) } }
    }
  await lying(anna, '**/v1/messenger/conversations/*', swap(), async () => {
    await warns('The server shows somebody else than the person of your link.')
    await cannotWrite()
    await expectGoodLooks(anna, 'forged')
  })
  // A server that has the link itself can prove another person, but not after the first one was seen.
  const found = parseInvite(link.split('/').at(-1) ?? '')
  if (found === undefined) throw new Error('no link')
  const { secret, id } = found
  const { fingerprint } = mallory.publicIdentity
  const proof = deriveProof({ secret, id, role: 'guest', fingerprint })
  await lying(anna, '**/v1/messenger/conversations/*', swap(proof), async () => {
    await warns('This person has other keys than before')
    await cannotWrite()
    await follow(anna, 'More')
    await reads(anna, 'The number now')
    expect(await anna.page.locator('.groups').count()).toBe(2)
    await expectGoodLooks(anna, 'changed')
    await follow(anna, 'Back to the conversation')
  })
  await reads(anna, 'From my new phone')
  expect(await anna.page.getByRole('alert').count()).toBe(0)
  expectNoComplaints(anna)
})

test('what came since one looked is counted as new; a conversation whose key is not backed up says so elsewhere; a link whose server shows another inviter is not joined', async () => {
  const row = anna.page.getByRole('link', { name: /^Ben / })
  await toHome(anna)
  await row.waitFor()
  expect(await row.innerText()).not.toContain('new')
  for (const text of ['One', 'Two']) await write(ben, text)
  await row.filter({ hasText: '2 new' }).waitFor()
  await expectGoodLooks(anna, 'unread')
  await row.click()
  await reads(anna, 'Two')
  await toHome(anna)
  await row.waitFor()
  expect(await row.innerText()).not.toContain('new')

  await follow(anna, 'Invite somebody')
  await anna.fill('Name of this person', 'Carla')
  const another = await withoutBackup(anna, async () => {
    await anna.press('Make a link')
    const made = await anna.page.getByText(/\/#\/join\//).innerText()
    await toHome(phone)
    await phone.page.getByRole('link', { name: /^Carla / }).click()
    await reads(phone, 'The key of this conversation is not on this device yet.')
    await expectGoodLooks(phone, 'no-key')
    return made
  })
  await toHome(anna)
  await anna.page.reload()
  await reads(anna, 'Everything is backed up')
  await phone.page.reload()
  await reads(phone, 'The link itself is on the device that made it.')
  const mallory = await generateIdentity()
  await ben.page.goto(another)
  await lying(
    ben,
    '**/v1/messenger/invites/read',
    (json) => ({
      ...json,
      host: { ...(json['host'] as Json), identity: toBase64(mallory.publicIdentity.bytes) },
    }),
    async () => {
      await ben.fill('Name of this person', 'Anna')
      await ben.press('Join')
      await ben.page.getByRole('alert').filter({ hasText: 'Nothing was joined.' }).waitFor()
      await expectGoodLooks(ben, 'forged-link')
    },
  )
  await ben.press('Not now')
  await ben.page.getByRole('link', { name: 'Anna K.' }).click()
  await toHome(anna)
  await row.click()
  await reads(anna, 'Two')
  expectNoComplaints(anna, ben, phone)
})

test('a link is good once, and who removes a conversation removes it for both', async () => {
  await follow(ben, 'More')
  await ben.press('Remove the conversation')
  await ben.page.getByRole('dialog').waitFor()
  await ben.press('Remove it')
  await ben.sees('Your keys')
  await reads(ben, 'No conversations yet.')
  await reads(anna, 'This conversation is not there any more.')
  await expectGoodLooks(anna, 'gone')
  await ben.page.goto(`${place.address}/#/join/${'A'.repeat(64)}`)
  await ben.sees('You are invited to a conversation')
  await ben.fill('Name of this person', 'Anna')
  await ben.press('Join')
  await reads(ben, /^This link is used, too old/)
  await ben.press('Not now')
  await ben.sees('Your keys')
  expectNoComplaints(anna, ben)
})
