import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { deriveEd25519PublicKey, randomBytes, toHex, utf8 } from 'keyhaven/crypto'
import type { Authority, RealmAnswer, RealmTransport } from 'keyhaven/recovery'
import { keep, recover, register, remove } from 'keyhaven/recovery'
import { encodeRequest, generateScalar, groupNoble, parseResponse, signProof } from 'keyhaven/recovery/realm'
import type { RealmRequest } from 'keyhaven/recovery/realm'
import { DEFAULT_REALM_LIMITS } from '../settings/realm-limits.ts'
import type { RealmReport } from './routes.ts'
import type { TestRealm } from './testing/realm-server.ts'
import { ourConfiguration, startTestRealm } from './testing/realm-server.ts'

const KEY = randomBytes(32)
const PIN = utf8('493817')
const WRONG = utf8('493818')
const userInfo = utf8('person')
const DAY_MS = 86_400_000

const clock = { now: new Date() }
const reports: RealmReport[] = []
let realm: TestRealm

beforeAll(async () => {
  const key = { algorithm: 'HS256', data: KEY } as const
  realm = await startTestRealm({
    tenants: new Map([
      ['keyhaven:1', key],
      ['acme:1', key],
    ]),
    now: () => clock.now,
    limits: { ...DEFAULT_REALM_LIMITS, evaluationsPerDay: 12 },
    onEvent: (report) => {
      reports.push(report)
      return Promise.resolve()
    },
  })
})

afterAll(() => {
  vi.useRealTimers()
})

/** The realm's time and the clients', in Unix milliseconds. */
function setTime(now: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now })
  clock.now = new Date(now)
}

interface Caller {
  readonly tenant: string
  readonly subject: string
}

function newCaller(tenant = 'keyhaven'): Caller {
  return { tenant, subject: toHex(randomBytes(16)) }
}

async function tokenFor({ tenant, subject }: Caller): Promise<string> {
  const seconds = Math.floor(clock.now.getTime() / 1000)
  return new SignJWT({ scope: 'user' })
    .setProtectedHeader({ alg: 'HS256', kid: `${tenant}:1` })
    .setIssuer(tenant)
    .setSubject(subject)
    .setAudience(toHex(realm.id))
    .setNotBefore(seconds - 1)
    .setExpirationTime(seconds + 600)
    .sign(KEY)
}

async function post(
  caller: Caller,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${realm.address}req`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: {
      Authorization: `Bearer ${await tokenFor(caller)}`,
      'Content-Type': 'application/octet-stream',
      'X-Juicebox-Version': '0.3.0',
      ...headers,
    },
  })
}

/** The transport of our client, without its look at what the realm speaks. */
function transportOf(caller: Caller): RealmTransport {
  return async ({ body, signed }): Promise<RealmAnswer> => {
    const answer = await post(caller, body, {
      ...(signed !== undefined && { 'Keyhaven-Authority': signed.authority }),
      ...(signed?.proof !== undefined && { 'Keyhaven-Proof': signed.proof }),
    })
    const retryAfterSeconds = Number(answer.headers.get('retry-after') ?? '0')
    if (answer.status === 429) return { kind: 'rate-limited', retryAfterSeconds }
    if (answer.status === 403)
      return retryAfterSeconds > 0 ? { kind: 'cooling', retryAfterSeconds } : { kind: 'proof-rejected' }
    if (!answer.ok) return { kind: 'refused', status: answer.status }
    const version = answer.headers.get('keyhaven-version')
    const bytes = new Uint8Array(await answer.arrayBuffer())
    return {
      kind: 'ok',
      body: bytes,
      ...(version !== null && { storedVersion: Buffer.from(version, 'hex') }),
    }
  }
}

interface Person {
  readonly caller: Caller
  readonly owner: Authority
  readonly version: Uint8Array
  readonly secret: Uint8Array
}

function optionsOf(caller: Caller): Pick<Parameters<typeof remove>[0], 'configuration' | 'transport'> {
  return { configuration: ourConfiguration([realm], 1), transport: transportOf(caller) }
}

/** A registration that is bound to its owner's key. */
async function registerGuarded(caller: Caller = newCaller()): Promise<Person> {
  const owner = { ...caller, seed: randomBytes(32) }
  const secret = randomBytes(8)
  const { version } = await register({
    ...optionsOf(caller),
    pin: PIN,
    userInfo,
    secret,
    numGuesses: 10,
    authority: owner,
  })
  return { caller, owner, version, secret }
}

function attempt(caller: Caller, pin: Uint8Array, authority?: Authority): ReturnType<typeof recover> {
  return recover({ ...optionsOf(caller), pin, userInfo, ...(authority !== undefined && { authority }) })
}

const DELETE = encodeRequest({ kind: 'delete' })

function proofOf(
  person: Person,
  change: Partial<Parameters<typeof signProof>[0]> & { seconds?: number; seed?: Uint8Array } = {},
): string {
  const { seconds = clock.now.getTime() / 1000, seed = person.owner.seed, ...about } = change
  return signProof(
    { realmId: realm.id, ...person.caller, storedVersion: person.version, body: DELETE, ...about },
    { seed, now: seconds * 1000 },
  )
}

async function isStored(person: Person): Promise<boolean> {
  const answer = await post(person.caller, encodeRequest({ kind: 'register1' }))
  return answer.headers.get('keyhaven-version') === toHex(person.version)
}

async function register2Of(): Promise<Uint8Array> {
  const bodies: Uint8Array[] = []
  const transport: RealmTransport = ({ body }) => {
    bodies.push(body)
    return Promise.resolve({
      kind: 'ok',
      body: Uint8Array.of(0xa1, 0x69, ...utf8('Register1'), 0x62, ...utf8('Ok')),
    })
  }
  await register({
    configuration: ourConfiguration([realm], 1),
    transport,
    pin: WRONG,
    userInfo,
    secret: randomBytes(8),
    numGuesses: 10,
  }).catch(() => undefined)
  return bodies.at(-1) ?? new Uint8Array()
}

describe('someone who has a token and not the authority key', () => {
  it('neither deletes nor overwrites what is bound to it, however he asks; the PIN still recovers it', async () => {
    const person = await registerGuarded()
    const theft = await register2Of()
    const thief = toHex(deriveEd25519PublicKey(randomBytes(32)))
    for (const body of [DELETE, theft]) {
      for (const headers of [{}, { 'Keyhaven-Authority': thief }]) {
        const answer = await post(person.caller, body, headers)
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([403, String(7 * 86_400)])
        expect(await answer.json()).toMatchObject({ error: { code: 'ERR_COOLING_PERIOD' } })
      }
    }
    expect(await isStored(person)).toBe(true)
    expect(await attempt(person.caller, PIN)).toMatchObject({ status: 'recovered', secret: person.secret })
  })

  it('gets nowhere with a proof that is another’s, older, or about anything else, and begins no wait by it', async () => {
    const person = await registerGuarded()
    const other = await registerGuarded()
    const now = clock.now.getTime() / 1000
    const proofs = [
      proofOf(person, { seed: randomBytes(32) }),
      proofOf(person, { realmId: randomBytes(16) }),
      proofOf(person, { storedVersion: other.version }),
      proofOf(person, { subject: other.caller.subject }),
      proofOf(person, { tenant: 'acme' }),
      proofOf(person, { body: encodeRequest({ kind: 'register1' }) }),
      proofOf(person, { seconds: now - 302 }),
      proofOf(person, { seconds: now + 302 }),
      proofOf(other),
    ]
    const before = reports.length
    const ofAnotherTime = [proofs[6], proofs[7]]
    const codes = proofs.map((proof) =>
      ofAnotherTime.includes(proof) ? 'ERR_CLOCK_WRONG' : 'ERR_PROOF_REJECTED',
    )
    for (const [index, proof] of proofs.entries()) {
      const answer = await post(person.caller, DELETE, { 'Keyhaven-Proof': proof })
      expect(answer.status).toBe(403)
      expect(await answer.json()).toMatchObject({ error: { code: codes[index] } })
    }
    expect(reports.slice(before).map(({ kind, refusal }) => `${kind} ${refusal ?? ''}`)).toEqual(
      codes.map((code) => `replacing_refused ${code}`),
    )
    for (const headers of [
      { 'Keyhaven-Proof': 'x' },
      { 'Keyhaven-Authority': 'AB' },
      { 'Keyhaven-Proof': '' },
    ] as const) {
      expect((await post(person.caller, DELETE, headers)).status).toBe(400)
    }
    expect(await isStored(person)).toBe(true)
  })

  it('cannot use a proof twice: it names the version that it has itself replaced', async () => {
    const person = await registerGuarded()
    const body = await register2Of()
    const headers = { 'Keyhaven-Proof': proofOf(person, { body }) }
    expect((await post(person.caller, body, headers)).status).toBe(200)
    await attempt(person.caller, PIN)
    expect((await post(person.caller, body, headers)).status).toBe(403)
    const deleted = await registerGuarded()
    const once = { 'Keyhaven-Proof': proofOf(deleted) }
    expect((await post(deleted.caller, DELETE, once)).status).toBe(200)
    const again = await registerGuarded(deleted.caller)
    expect((await post(deleted.caller, DELETE, once)).status).toBe(403)
    expect(await isStored(again)).toBe(true)
  })

  it('does not get past the key by using the guesses up, and the owner still deletes what is left', async () => {
    const person = await registerGuarded(newCaller('acme'))
    for (let guess = 0; guess < 10; guess += 1) await attempt(person.caller, WRONG)
    setTime(clock.now.getTime() + 5 * 60_000)
    expect(await attempt(person.caller, PIN)).toMatchObject({ status: 'locked' })
    expect((await post(person.caller, DELETE)).status).toBe(403)
    expect((await post(person.caller, await register2Of())).status).toBe(403)
    expect(await isStored(person)).toBe(true)
    const { remainsOn } = await remove({ ...optionsOf(person.caller), authority: person.owner })
    expect(remainsOn).toEqual([])
    expect(await isStored(person)).toBe(false)
  })

  it('deletes after seven days that nobody ended, not a moment earlier', async () => {
    const person = await registerGuarded()
    const began = clock.now.getTime()
    expect((await post(person.caller, DELETE)).status).toBe(403)
    setTime(began + 7 * DAY_MS - 1)
    const early = await post(person.caller, DELETE)
    expect([early.status, early.headers.get('retry-after')]).toEqual([403, '1'])
    setTime(began + 7 * DAY_MS)
    expect((await post(person.caller, DELETE)).status).toBe(200)
  })

  it.each([
    ['a recovery', (person: Person): Promise<unknown> => attempt(person.caller, PIN)],
    [
      'the authority key',
      (person: Person): Promise<unknown> => keep({ ...optionsOf(person.caller), authority: person.owner }),
    ],
  ])('has to begin the seven days again after %s', async (_, end) => {
    const person = await registerGuarded()
    expect((await post(person.caller, DELETE)).status).toBe(403)
    setTime(clock.now.getTime() + 7 * DAY_MS)
    await end(person)
    const again = await post(person.caller, DELETE)
    expect([again.status, again.headers.get('retry-after')]).toEqual([403, String(7 * 86_400)])
  })

  it('of 40 requests at once begins one wait, and its owner ends it', async () => {
    const person = await registerGuarded()
    const before = reports.length
    const answers = await Promise.all(Array.from({ length: 40 }, () => post(person.caller, DELETE)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403))
    const kinds = reports.slice(before).map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'cooling_started')).toHaveLength(1)
    expect(await keep({ ...optionsOf(person.caller), authority: person.owner })).toEqual([])
    expect(reports.at(-1)).toMatchObject({ kind: 'cooling_cancelled', subject: person.caller.subject })
  })
})

describe('a client with the wrong key', () => {
  it('is told that the realm waits, and the realm says for how long', async () => {
    const person = await registerGuarded()
    const stranger = { ...person.caller, seed: randomBytes(32) }
    const { remainsOn, faults } = await remove({ ...optionsOf(person.caller), authority: stranger })
    expect(remainsOn).toEqual([realm.id])
    expect(faults).toMatchObject([{ fault: 'cooling', retryAfterSeconds: 7 * 86_400 }])
  })
})

describe('waits after wrong PINs', () => {
  it('are for our own users: the third makes the next one wait a minute, which costs no guess', async () => {
    const { caller, owner } = await registerGuarded()
    for (const left of [9, 8, 7]) {
      expect(await attempt(caller, WRONG)).toMatchObject({ status: 'wrong-pin', guessesRemaining: left })
    }
    for (let again = 0; again < 5; again += 1) {
      expect(await attempt(caller, PIN)).toMatchObject({ status: 'waiting', retryAfterSeconds: 60 })
    }
    expect(reports.at(-1)).toMatchObject({ kind: 'recovery_refused', refusal: 'ERR_RATE_LIMITED' })
    expect(await attempt(caller, WRONG, owner)).toMatchObject({ status: 'wrong-pin', guessesRemaining: 6 })
    expect(await attempt(caller, WRONG, { ...owner, seed: randomBytes(32) })).toMatchObject({
      status: 'waiting',
      retryAfterSeconds: 300,
    })
    setTime(clock.now.getTime() + 300_000)
    expect(await attempt(caller, PIN)).toMatchObject({ status: 'recovered' })
  })

  it('let one of many guesses at once through when they are over', async () => {
    const { caller, version } = await registerGuarded()
    for (let guess = 0; guess < 3; guess += 1) await attempt(caller, WRONG)
    setTime(clock.now.getTime() + 60_000)
    const guessOnce = async (): Promise<number> => {
      const blindedInput = groupNoble.multiplyBase(generateScalar(groupNoble))
      const request: RealmRequest = { kind: 'recover2', version, blindedInput }
      return (await post(caller, encodeRequest(request))).status
    }
    const statuses = await Promise.all(Array.from({ length: 30 }, guessOnce))
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 429)).toHaveLength(29)
  })

  it('are not for other apps’ users, whose day has an end all the same', async () => {
    const { caller } = await registerGuarded(newCaller('acme'))
    for (let guess = 0; guess < 9; guess += 1) expect((await attempt(caller, WRONG)).status).toBe('wrong-pin')
    expect(await attempt(caller, PIN)).toMatchObject({ status: 'recovered' })
    for (let guess = 0; guess < 2; guess += 1) expect((await attempt(caller, WRONG)).status).toBe('wrong-pin')
    const spent = await attempt(caller, PIN)
    expect(spent.status).toBe('waiting')
    const midnight = (Math.floor(clock.now.getTime() / DAY_MS) + 1) * DAY_MS
    setTime(midnight)
    expect(await attempt(caller, PIN)).toMatchObject({ status: 'recovered' })
  })
})

describe('a record without an authority key', () => {
  it('keeps the plain rule, also against a proof, and says which version it holds', async () => {
    const caller = newCaller('acme')
    const { version } = await register({
      ...optionsOf(caller),
      pin: PIN,
      userInfo,
      secret: randomBytes(8),
      numGuesses: 10,
    })
    const answer = await post(caller, encodeRequest({ kind: 'register1' }))
    expect(answer.headers.get('keyhaven-version')).toBe(toHex(version))
    expect(
      parseResponse({ kind: 'register1', body: new Uint8Array(await answer.arrayBuffer()) }).status,
    ).toBe('ok')
    expect((await post(caller, DELETE)).status).toBe(200)
    expect(
      (await post(caller, encodeRequest({ kind: 'register1' }))).headers.get('keyhaven-version'),
    ).toBeNull()
  })
})
