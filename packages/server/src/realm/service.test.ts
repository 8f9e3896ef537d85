import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { randomBytes, utf8 } from 'keyhaven/crypto'
import { recover, register } from 'keyhaven/recovery'
import type { RealmRequest, Registration } from 'keyhaven/recovery/realm'
import { generateScalar, groupNoble, guardOf } from 'keyhaven/recovery/realm'
import type { TestDatabase } from '../testing/database.ts'
import { createTestDatabase } from '../testing/database.ts'
import { createCurvePool } from './curve-pool.ts'
import { NO_JOURNAL } from './journal/journal.ts'
import { lockRecord } from './records.ts'
import type { RealmSeals } from './seals.ts'
import type { RealmResult } from './service.ts'
import { handleRealmRequest } from './service.ts'
import { acmeTransport, openTestSeals, ourConfiguration, startTestRealm } from './testing/realm-server.ts'

const NUM_GUESSES = 10
const oprfPrivateKey = generateScalar(groupNoble)
const registration: Registration = {
  oprfPrivateKey,
  signedPublicKey: {
    publicKey: groupNoble.multiplyBase(oprfPrivateKey),
    verifyingKey: randomBytes(32),
    signature: randomBytes(64),
  },
  unlockKeyCommitment: randomBytes(32),
  encryptionKeyShare: generateScalar(groupNoble),
  encryptedSecret: randomBytes(145),
  encryptedSecretCommitment: randomBytes(16),
}
const version = randomBytes(16)
const recordId = randomBytes(32)

const curve = createCurvePool({ threads: 1 })
afterAll(() => curve.close())

let test: TestDatabase
let seals: RealmSeals
beforeEach(async () => {
  test = await createTestDatabase()
  seals = await openTestSeals(test, randomBytes(16))
  const unlockKeyTag = randomBytes(16)
  await handle({ kind: 'register2', version, registration, unlockKeyTag, numGuesses: NUM_GUESSES })
})

function handle(request: RealmRequest, sealing: RealmSeals = seals): Promise<RealmResult> {
  return handleRealmRequest(
    { database: test.database, seals: sealing, curve, journal: NO_JOURNAL },
    { recordId, tenant: 'acme', request, now: new Date(), terms: {} },
  )
}

function guess(): RealmRequest {
  return {
    kind: 'recover2',
    version,
    blindedInput: groupNoble.multiplyBase(generateScalar(groupNoble)),
  }
}

async function countedGuesses(): Promise<number | undefined> {
  const { record } = await test.database.withRealmRecord(recordId, (transaction) =>
    lockRecord(transaction, recordId),
  )
  return record.state === 'registered' ? record.guessCount : undefined
}

describe('requests about one record', () => {
  it('that all come at once are ordered by the row’s lock alone', async () => {
    const results = await Promise.all(Array.from({ length: 60 }, () => handle(guess())))
    const responses = await Promise.all(results.map(({ answer }) => answer()))
    const evaluated = responses.filter(({ kind, status }) => kind === 'recover2' && status === 'ok')
    expect(evaluated).toHaveLength(NUM_GUESSES)
    expect(await countedGuesses()).toBe(NUM_GUESSES)
  })

  it('where nothing is registered yet are one after the other too: no token alone undoes a guard that was bound just now', async () => {
    const authority = randomBytes(32)
    for (let round = 0; round < 5; round += 1) {
      const record = randomBytes(32)
      const rivals = Array.from({ length: 4 }, (_, place) =>
        handleRealmRequest(
          { database: test.database, seals, curve, journal: NO_JOURNAL },
          {
            recordId: record,
            tenant: 'acme',
            request: {
              kind: 'register2',
              version: randomBytes(16),
              registration,
              unlockKeyTag: randomBytes(16),
              numGuesses: NUM_GUESSES,
            },
            now: new Date(),
            terms: place === 0 ? { authority } : {},
          },
        ),
      )
      const [owner] = await Promise.all(rivals)
      const { record: left } = await test.database.withRealmRecord(record, (transaction) =>
        lockRecord(transaction, record),
      )
      expect(owner?.refused).toBeUndefined()
      expect(guardOf(left)?.guard.authority).toEqual(authority)
    }
  })

  it('are counted, and on disk, before anything is unsealed', async () => {
    const counted: (number | undefined)[] = []
    const watching: RealmSeals = {
      ...seals,
      open: async (owner, sealed) => {
        counted.push(await countedGuesses())
        return seals.open(owner, sealed)
      },
    }
    const { answer } = await handle(guess(), watching)
    expect(counted).toEqual([])
    await answer()
    expect(counted).toEqual([1])
  })

  it('stay counted when what is sealed was altered', async () => {
    await test.asSuperuser("UPDATE realm.records SET sealed = overlay(sealed PLACING 'x'::bytea FROM 100)")
    const { answer } = await handle(guess())
    await expect(answer()).rejects.toMatchObject({ code: 'ERR_ENVELOPE_REJECTED' })
    expect(await countedGuesses()).toBe(1)
  })

  it('are not counted where the key is missing that their answer needs', async () => {
    const elsewhere = await openTestSeals(await createTestDatabase(), randomBytes(16))
    await expect(handle(guess(), elsewhere)).rejects.toMatchObject({ code: 'ERR_SEAL_KEY_MISSING' })
    expect(await countedGuesses()).toBe(0)
  })

  it('that repeat an input are evaluated again and not counted again', async () => {
    const request = guess()
    const answers = []
    for (let repeat = 0; repeat < 3; repeat += 1) answers.push(await (await handle(request)).answer())
    const points = answers.map((response) =>
      response.kind === 'recover2' && response.status === 'ok'
        ? response.evaluation.blindedResult
        : undefined,
    )
    expect(points[0]).toBeInstanceOf(Uint8Array)
    expect([points[1], points[2]]).toEqual([points[0], points[0]])
    expect(await countedGuesses()).toBe(1)
  })
})

describe('an access log that cannot be written', () => {
  it('lets nothing be handed out, and the guess stays counted', async () => {
    const pin = utf8('493817')
    let broken = false
    const realm = await startTestRealm({
      onEvent: ({ kind }) =>
        broken && kind === 'share_recovered' ? Promise.reject(new Error('no disk')) : Promise.resolve(),
    })
    const options = {
      configuration: ourConfiguration([realm], 1),
      transport: acmeTransport('logged'),
      userInfo: utf8('person'),
      pin,
    }
    await register({ ...options, secret: randomBytes(8), numGuesses: 3 })
    broken = true
    await expect(recover(options)).rejects.toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE' })
    broken = false
    expect(await recover(options)).toMatchObject({ status: 'recovered' })
  })
})
