import { sha512 } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'
import { loadArgon2id } from '../crypto/argon2.ts'
import { be4, concat, lp, utf8 } from '../crypto/bytes.ts'
import { toHex } from '../crypto/text.ts'
import { groupNoble as group } from './group-noble.ts'
import { blind, evaluateBlinded, finalize } from './oprf.ts'
import type { PinHashingMode } from './pin.ts'
import { stretchPin } from './pin.ts'
import { createRegistration, deriveUnlockKeyTag, deriveUnlockKeys, openRegistration } from './registration.ts'
import { encodeRequest } from './request-codec.ts'
import { encodeResponse, parseResponse } from './response-codec.ts'
import { combinePoints } from './shares.ts'
import { bytes, readVectors } from './testing/vectors.ts'

interface Case {
  readonly name: string
  readonly inputs: {
    readonly mode: PinHashingMode
    readonly pin: string
    readonly userInfo: string
    readonly version: string
    readonly realmIds: readonly string[]
    readonly recoverThreshold: number
    readonly secret: string
    readonly numGuesses: number
    readonly stream: string
    readonly blindingFactor: string
    readonly proofNonces: readonly string[]
  }
  readonly outputs: {
    readonly accessKey: string
    readonly encryptionKeySeed: string
    readonly register2: readonly string[]
    readonly recover2Request: string
    readonly recover2Responses: readonly string[]
    readonly oprfOutput: string
    readonly unlockKeyCommitment: string
    readonly unlockKey: string
    readonly recover3Requests: readonly string[]
    readonly recover3Responses: readonly string[]
  }
}
const { cases } = readVectors('recovery-1.json') as { readonly cases: readonly Case[] }

function drawFrom(stream: string): (length: number) => Uint8Array {
  let draw = 0
  return (length) => sha512(concat(lp(stream), be4(draw++))).slice(0, length)
}

describe('our frozen vectors, format 1', () => {
  it.each(cases)('$name: a registration is made of the same bytes', async ({ inputs, outputs }) => {
    const stretched = await stretchPin({
      argon2id: await loadArgon2id(),
      mode: inputs.mode,
      pin: utf8(inputs.pin),
      version: bytes(inputs.version),
      userInfo: bytes(inputs.userInfo),
    })
    expect(toHex(stretched.accessKey)).toBe(outputs.accessKey)
    expect(toHex(stretched.encryptionKeySeed)).toBe(outputs.encryptionKeySeed)
    const requests = createRegistration({
      group,
      realms: inputs.realmIds.map((id) => ({ id: bytes(id), address: 'https://realm.example/' })),
      recoverThreshold: inputs.recoverThreshold,
      version: bytes(inputs.version),
      stretched,
      secret: bytes(inputs.secret),
      numGuesses: inputs.numGuesses,
      random: drawFrom(inputs.stream),
    })
    expect(requests.map((request) => toHex(encodeRequest(request)))).toEqual(outputs.register2)
    const blindedInput = blind({
      group,
      input: bytes(outputs.accessKey),
      blindingFactor: bytes(inputs.blindingFactor),
    })
    const recover2 = { kind: 'recover2', version: bytes(inputs.version), blindedInput } as const
    expect(toHex(encodeRequest(recover2))).toBe(outputs.recover2Request)
    const responses = requests.map(({ registration, numGuesses }, place) => {
      const { oprfPrivateKey: privateKey, signedPublicKey, unlockKeyCommitment } = registration
      const { publicKey } = signedPublicKey
      const nonce = bytes(inputs.proofNonces[place] ?? '')
      const result = evaluateBlinded({ group, privateKey, publicKey, blindedInput, nonce })
      const evaluation = { ...result, signedPublicKey, unlockKeyCommitment, numGuesses, guessCount: 1 }
      return toHex(encodeResponse({ kind: 'recover2', status: 'ok', evaluation }))
    })
    expect(responses).toEqual(outputs.recover2Responses)
  })

  it.each(cases)('$name: the recorded answers give the secret', ({ inputs, outputs }) => {
    const evaluated = outputs.recover2Responses.map((body, place) => {
      const response = parseResponse({ kind: 'recover2', body: bytes(body) })
      if (response.status !== 'ok') throw new Error('The vector is not an evaluation.')
      return { index: place + 1, value: response.evaluation.blindedResult }
    })
    const output = finalize({
      group,
      input: bytes(outputs.accessKey),
      blindingFactor: bytes(inputs.blindingFactor),
      blindedResult: combinePoints(group, evaluated.slice(0, inputs.recoverThreshold)),
    })
    expect(toHex(output)).toBe(outputs.oprfOutput)
    const { unlockKey, commitment } = deriveUnlockKeys(output)
    expect([toHex(unlockKey), toHex(commitment)]).toEqual([outputs.unlockKey, outputs.unlockKeyCommitment])
    const requests = inputs.realmIds.map((id) => {
      const unlockKeyTag = deriveUnlockKeyTag(unlockKey, bytes(id))
      return toHex(encodeRequest({ kind: 'recover3', version: bytes(inputs.version), unlockKeyTag }))
    })
    expect(requests).toEqual(outputs.recover3Requests)
    const shares = outputs.recover3Responses.map((body, place) => {
      const response = parseResponse({ kind: 'recover3', body: bytes(body) })
      if (response.status !== 'ok') throw new Error('The vector is not a share.')
      return { index: place + 1, ...response.share }
    })
    const secret = openRegistration({
      group,
      encryptionKeySeed: bytes(outputs.encryptionKeySeed),
      shares: shares
        .slice(-inputs.recoverThreshold)
        .map(({ index, encryptionKeyShare }) => ({ index, value: encryptionKeyShare })),
      encryptedSecret: shares[0]?.encryptedSecret ?? new Uint8Array(),
    })
    expect(toHex(secret)).toBe(inputs.secret)
  })
})
