/** `keyhaven contacts` after the wait: the command answers as a contact, and restores on the device that asked. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generateIdentity } from 'keyhaven/identity'
import { parseContactCard } from 'keyhaven/identity/contact-card'
import { parseConfiguration, serializeConfiguration } from 'keyhaven/recovery'
import { runJson, runProcessJson } from '../packages/cli/src/testing/command.ts'
import { emptyHome } from '../packages/cli/src/testing/homes.ts'
import type { TestHome } from '../packages/cli/src/testing/homes.ts'
import { randomPhone } from '../packages/server/src/testing/app.ts'
import { answer, cardsOf, inputOf } from './testing/contacts.ts'
import type { Contact } from './testing/contacts.ts'
import { PIN, makeKeys, openPlace } from './testing/people.ts'
import type { Place } from './testing/people.ts'

async function signIn({ app }: Place, phone: string): Promise<TestHome> {
  const home = await emptyHome()
  await runJson(['login', '--request', '--server', app.origin, '--phone', phone, ...home.named])
  const done = await runJson(['login', '--code-stdin', ...home.named], { stdin: app.codes.get(phone) ?? '' })
  expect(done).toMatchObject({ exit: 0 })
  return home
}

test('two people’s shares, one of them given by the command, bring the keys to the command’s home', async () => {
  const place = await openPlace()
  const carol: Contact = { ...(await place.newDevice()), name: 'Carol', identity: await generateIdentity() }
  const bob = await signIn(place, randomPhone())
  const card = join(bob.folder, 'card')
  await runJson(['contacts', 'card', '--name', 'Bob', '--out', card, ...bob.named])
  const owner = await place.newDevice()
  await owner.keys.importKeys(makeKeys(2))
  // The command takes no insecure hash of a PIN.
  const insecure = serializeConfiguration(place.configuration)
  const configuration = parseConfiguration({ ...insecure, pin_hashing_mode: 'Standard2019' })
  await (await owner.sync({ configuration })).backup({ pin: PIN })
  const contacts = [parseContactCard(await readFile(card, 'utf8')), ...cardsOf([carol])]
  expect(await (await owner.sync({ configuration })).contacts.set(inputOf(contacts))).toMatchObject({
    status: 'set',
  })
  const fresh = await signIn(place, owner.phone)
  const asked = await runJson(['contacts', 'ask', ...fresh.named])
  const digits = String(asked.answer['digits'])
  await place.app.database.asSuperuser(
    `UPDATE app.contact_requests SET requested_at = requested_at - interval '8 days', due_at = due_at - interval '8 days'`,
  )
  const [request] = (await runJson(['contacts', 'asked', ...bob.named])).answer['asked'] as [
    { readonly requestId: string },
  ]
  const giving = ['contacts', 'answer', request.requestId, ...bob.named, '--digits']
  expect(
    await runJson([...giving, digits.replace(/^\d/, (digit) => (digit === '0' ? '1' : '0'))]),
  ).toMatchObject({
    exit: 8,
    answer: { status: 'refused' },
  })
  expect(await runProcessJson([...giving, digits])).toMatchObject({ exit: 0, answer: { status: 'answered' } })
  expect(await runJson(['contacts', 'restore', ...fresh.named])).toMatchObject({
    exit: 12,
    answer: { status: 'too-few', answers: 1 },
  })
  expect(await answer(carol, { owner, digits })).toBe('answered')
  expect(await runProcessJson(['contacts', 'restore', ...fresh.named])).toMatchObject({
    exit: 0,
    answer: { status: 'restored', conversationKeys: 2, wrongShares: [] },
  })
})
