/** The commands of docs/operations.md, "Moving an app to another operator", as they stand there, between two realms that run. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { expect, onTestFinished, test } from 'vitest'
import { parseHex, randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import { recover, register } from 'keyhaven/recovery'
import type { RecoverOutcome } from 'keyhaven/recovery'
import { collect, ended, startCommand, temporaryFolder } from '../packages/cli/src/testing/command.ts'
import { openShell, readBlocks } from '../packages/cli/src/testing/documented.ts'
import { poll } from '../packages/cli/src/testing/server.ts'
import {
  acmeTenants,
  acmeTransport,
  ourConfiguration,
} from '../packages/server/src/realm/testing/realm-server.ts'

const PIN = utf8('493817')
const WRONG = utf8('000000')
const [secret = new Uint8Array()] = Array.from(acmeTenants.values(), ({ data }) => data)
const tenants = JSON.stringify({
  acme: { 1: { algorithm: 'HS256', encoding: 'hex', data: toHex(secret), onlyHere: true } },
})

interface Operator {
  readonly realm: { readonly id: Uint8Array; readonly address: string }
  readonly settings: NodeJS.ProcessEnv
}

/** A realm and nothing else, with a data directory and a journal of its operator's name. */
async function startOperator(folder: string, name: string, realmId: string): Promise<Operator> {
  const journal = join(folder, `${name}-journal`)
  await mkdir(journal)
  const settings = {
    KEYHAVEN_REALM_ID: realmId,
    KEYHAVEN_TENANTS: tenants,
    KEYHAVEN_REALM_JOURNAL: journal,
  }
  const words = ['serve', '--realm-only', '--port', '0', '--data', join(folder, name), '--json']
  const child = startCommand(words, settings)
  const output = collect(child)
  const end = ended(child)
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await end
  })
  const line = await poll(() => /^\{"status":"ready".*$/m.exec(output().stdout)?.[0], end)
  const { origin } = JSON.parse(line) as { readonly origin: string }
  return { realm: { id: parseHex(realmId, 'realmId', 16), address: `${origin}/realm/` }, settings }
}

function recoverAt({ realm }: Operator, pin: Uint8Array): Promise<RecoverOutcome> {
  const options = { configuration: ourConfiguration([realm], 1), transport: acmeTransport('somebody') }
  return recover({ ...options, userInfo: utf8('person'), pin, realmDeadlineMs: 300_000 })
}

test('an app’s people go on at the other operator’s realm, with the guesses that they had left', async () => {
  const folder = await temporaryFolder()
  const realmId = toHex(randomBytes(16))
  const [yours, his] = await Promise.all([
    startOperator(folder, 'yours', realmId),
    startOperator(folder, 'his', realmId),
  ])
  const configuration = ourConfiguration([yours.realm], 1)
  const person = { userInfo: utf8('person'), pin: PIN, secret: utf8('a secret'), numGuesses: 5 }
  const transport = acmeTransport('somebody')
  await register({ configuration, transport, ...person, realmDeadlineMs: 300_000 })
  expect(await recoverAt(yours, WRONG)).toMatchObject({ status: 'wrong-pin', guessesRemaining: 4 })

  const identity = await generateIdentity()
  await writeFile(join(folder, 'key'), `# created by age-keygen\n${identity}\n`)
  const RECIPIENT = await identityToRecipient(identity)
  const shell = await openShell(folder)
  const [leave = '', come = '', forget = ''] = await readBlocks('Moving an app to another operator')

  const left = await shell(leave, { ...yours.settings, RECIPIENT })
  expect(left).toContain('1 record in acme.age')
  await expect(recoverAt(yours, PIN)).rejects.toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE' })
  const came = await shell(come, his.settings)
  const digest = /^SHA-256 {2}([0-9a-f]{64})$/m
  expect(digest.exec(came)?.[1]).toBe(digest.exec(left)?.[1])
  expect(came).toContain('1 record: 1 open')
  expect(await recoverAt(his, WRONG)).toMatchObject({ status: 'wrong-pin', guessesRemaining: 3 })
  expect(await recoverAt(his, PIN)).toMatchObject({ status: 'recovered', secret: person.secret })

  expect(await shell(forget, yours.settings)).toContain('1 record removed.')
  await expect(recoverAt(yours, PIN)).rejects.toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE' })
  expect((await readdir(folder)).filter((name) => name.startsWith('acme.age'))).toEqual(['acme.age'])
})
