import { describe, expect, it } from 'vitest'
import { randomBytes, utf8 } from '../crypto/bytes.ts'
import type { RealmFaultKind } from '../errors.ts'
import { isKeyhavenError } from '../errors.ts'
import { groupNoble as group } from './group-noble.ts'
import type { Evaluation, Share } from './messages.ts'
import { generateScalar } from './oprf.ts'
import type { RecoverOutcome } from './recover.ts'
import { recover } from './recover.ts'
import { register } from './register.ts'
import { createRegistration } from './registration.ts'
import type { Bend, MemoryRealms } from './testing/memory-realms.ts'
import { createMemoryRealms } from './testing/memory-realms.ts'

const PIN = utf8('493817')
const userInfo = utf8('person')
const HANGING_MS = 300

async function registered(): Promise<{ readonly realms: MemoryRealms; readonly secret: Uint8Array }> {
  const realms = createMemoryRealms({ count: 3, recoverThreshold: 2 })
  const secret = randomBytes(69)
  const { configuration, transport } = realms
  await register({ configuration, transport, userInfo, pin: PIN, secret, numGuesses: 5 })
  return { realms, secret }
}

function attempt(realms: MemoryRealms, pin: Uint8Array = PIN): Promise<RecoverOutcome> {
  const { configuration, transport } = realms
  return recover({ configuration, transport, userInfo, pin, realmDeadlineMs: HANGING_MS })
}

function bendEvaluation(change: (evaluation: Evaluation) => Partial<Evaluation>): Bend {
  return ({ response }) =>
    response.kind === 'recover2' && response.status === 'ok'
      ? { ...response, evaluation: { ...response.evaluation, ...change(response.evaluation) } }
      : undefined
}

function bendShare(change: (share: Share) => Partial<Share>): Bend {
  return ({ response }) =>
    response.kind === 'recover3' && response.status === 'ok'
      ? { ...response, share: { ...response.share, ...change(response.share) } }
      : undefined
}

function flip(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => (index === 7 ? byte ^ 1 : byte))
}

function garbageTo(kind: string, body: Uint8Array): Bend {
  return ({ request }) => (request.kind === kind ? { kind: 'ok', body } : undefined)
}

/** A whole, consistent registration that is not the others'. */
function foreignEvaluation(realms: MemoryRealms): Bend {
  const [foreign] = createRegistration({
    group,
    realms: realms.configuration.realms,
    recoverThreshold: 2,
    version: new Uint8Array(16),
    stretched: { accessKey: randomBytes(32), encryptionKeySeed: randomBytes(32) },
    secret: randomBytes(1),
    numGuesses: 5,
  })
  return bendEvaluation(() => ({
    unlockKeyCommitment: foreign?.registration.unlockKeyCommitment ?? new Uint8Array(32),
  }))
}

const otherPoint = group.multiplyBase(generateScalar(group))
const otherScalar = generateScalar(group)
const hang: Bend = () => new Promise(() => undefined)

const LIES: readonly {
  readonly lie: string
  readonly fault: RealmFaultKind
  readonly bend: (realms: MemoryRealms) => Bend
}[] = [
  {
    lie: 'another result',
    fault: 'bad-proof',
    bend: () => bendEvaluation(() => ({ blindedResult: otherPoint })),
  },
  {
    lie: 'another proof',
    fault: 'bad-proof',
    bend: () => bendEvaluation(({ proof }) => ({ proof: { ...proof, c: otherScalar } })),
  },
  {
    lie: 'another public key',
    fault: 'bad-signature',
    bend: () =>
      bendEvaluation((evaluation) => ({
        signedPublicKey: { ...evaluation.signedPublicKey, publicKey: otherPoint },
      })),
  },
  {
    lie: 'another signature',
    fault: 'bad-signature',
    bend: () =>
      bendEvaluation(({ signedPublicKey }) => ({
        signedPublicKey: { ...signedPublicKey, signature: flip(signedPublicKey.signature) },
      })),
  },
  {
    lie: 'another verifying key',
    fault: 'bad-signature',
    bend: () =>
      bendEvaluation(({ signedPublicKey }) => ({
        signedPublicKey: { ...signedPublicKey, verifyingKey: flip(signedPublicKey.verifyingKey) },
      })),
  },
  { lie: 'another unlock key commitment', fault: 'other-registration', bend: foreignEvaluation },
  {
    lie: 'more guesses used than there are',
    fault: 'bad-counts',
    bend: () => bendEvaluation(() => ({ guessCount: 6 })),
  },
  { lie: 'no guess used', fault: 'bad-counts', bend: () => bendEvaluation(() => ({ guessCount: 0 })) },
  {
    lie: 'four billion guesses',
    fault: 'bad-counts',
    bend: () => bendEvaluation(() => ({ numGuesses: 4_000_000_000 })),
  },
  {
    lie: 'no guesses at all',
    fault: 'bad-counts',
    bend: () => bendEvaluation(() => ({ numGuesses: 0, guessCount: 0 })),
  },
  {
    lie: 'another share',
    fault: 'bad-commitment',
    bend: () => bendShare(() => ({ encryptionKeyShare: otherScalar })),
  },
  {
    lie: 'another ciphertext',
    fault: 'bad-commitment',
    bend: () => bendShare(({ encryptedSecret }) => ({ encryptedSecret: flip(encryptedSecret) })),
  },
  {
    lie: 'another share commitment',
    fault: 'bad-commitment',
    bend: () =>
      bendShare(({ encryptedSecretCommitment }) => ({
        encryptedSecretCommitment: flip(encryptedSecretCommitment),
      })),
  },
  {
    lie: 'another version',
    fault: 'other-version',
    bend:
      () =>
      ({ response }) =>
        response.kind === 'recover1' && response.status === 'ok'
          ? { ...response, version: flip(response.version) }
          : undefined,
  },
  {
    lie: 'a version that it then denies',
    fault: 'other-version',
    bend:
      () =>
      ({ request }) =>
        request.kind === 'recover2' ? { kind: 'recover2', status: 'version-mismatch' } : undefined,
  },
  {
    lie: 'that the right tag is wrong',
    fault: 'other-registration',
    bend:
      () =>
      ({ request }) =>
        request.kind === 'recover3'
          ? { kind: 'recover3', status: 'bad-unlock-key-tag', guessesRemaining: 0 }
          : undefined,
  },
  {
    lie: 'that there are no guesses left',
    fault: 'locked',
    bend:
      () =>
      ({ request }) =>
        request.kind === 'recover1' ? { kind: 'recover1', status: 'no-guesses' } : undefined,
  },
  {
    lie: 'the answer to another request',
    fault: 'garbage',
    bend:
      () =>
      ({ request }) =>
        request.kind === 'recover2' ? { kind: 'register1', status: 'ok' } : undefined,
  },
  {
    lie: 'garbage instead of a version',
    fault: 'garbage',
    bend: () => garbageTo('recover1', randomBytes(40)),
  },
  {
    lie: 'nothing instead of an evaluation',
    fault: 'garbage',
    bend: () => garbageTo('recover2', new Uint8Array()),
  },
  {
    lie: 'a megabyte instead of a share',
    fault: 'garbage',
    bend: () => garbageTo('recover3', new Uint8Array(1_000_000)),
  },
  { lie: 'the identity as its result', fault: 'garbage', bend: () => identityResult },
  { lie: 'nothing, for ever', fault: 'timeout', bend: () => hang },
  {
    lie: 'nothing, for ever, once it was asked to evaluate',
    fault: 'timeout',
    bend: () => (call) => (call.request.kind === 'recover2' ? hang(call) : undefined),
  },
]

const identityResult: Bend = bendEvaluation(() => ({ blindedResult: new Uint8Array(32) }))

describe('a realm that answers', () => {
  it.each(LIES)('$lie is named ($fault), and recovery goes on', async ({ fault, bend }) => {
    for (const place of [0, 2]) {
      const { realms, secret } = await registered()
      const liar = realms.realms[place]
      if (liar) liar.bend = bend(realms)
      expect(await attempt(realms)).toMatchObject({
        status: 'recovered',
        secret,
        faults: [{ realmId: realms.ids[place], fault }],
      })
    }
  })

  it.each(LIES)('$lie cannot make a wrong PIN look like anything else', async ({ bend }) => {
    const { realms } = await registered()
    const [liar] = realms.realms
    if (liar) liar.bend = bend(realms)
    expect(await attempt(realms, utf8('000000'))).toMatchObject({ status: 'wrong-pin', guessesRemaining: 4 })
  })

  it.each(LIES)('$lie, twice, ends with a coded fault and never with “not registered”', async ({ bend }) => {
    const { realms } = await registered()
    for (const liar of realms.realms.slice(0, 2)) liar.bend = bend(realms)
    const result = await attempt(realms).catch((error: unknown) => error)
    const coded =
      isKeyhavenError(result, 'ERR_REALMS_UNAVAILABLE') || isKeyhavenError(result, 'ERR_REGISTRATION_SPLIT')
    // Two realms that agree on a lie of two words are as good as the truth: that is what a threshold means.
    const locked =
      typeof result === 'object' && result !== null && 'status' in result && result.status === 'locked'
    expect(coded || locked).toBe(true)
  })
})

describe('guesses remaining', () => {
  it('are not moved by one realm that claims more or fewer than it has', async () => {
    for (const [numGuesses, guessCount] of [
      [60_000, 1],
      [5, 5],
    ] as const) {
      const { realms } = await registered()
      const [liar] = realms.realms
      if (liar) liar.bend = bendEvaluation(() => ({ numGuesses, guessCount }))
      expect(await attempt(realms, utf8('000000'))).toMatchObject({
        status: 'wrong-pin',
        guessesRemaining: 4,
      })
    }
  })
})
