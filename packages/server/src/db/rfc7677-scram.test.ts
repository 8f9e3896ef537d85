import { createHash, createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { deriveScramVerifier } from './scram.ts'

const NONCE = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
const MESSAGE = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${NONCE}`
const CLIENT_PROOF = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64')
const SERVER_SIGNATURE = '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

test('the verifier of RFC 7677’s password accepts its client proof and gives its server signature', () => {
  const verifier = deriveScramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'))
  const [head, keys] = verifier.split(/(?<=gQ==)\$/)
  expect(head).toBe('SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==')
  const [storedKey, serverKey] = (keys ?? '').split(':').map((text) => Buffer.from(text, 'base64'))
  const clientSignature = createHmac('sha256', storedKey ?? '')
    .update(MESSAGE)
    .digest()
  const clientKey = CLIENT_PROOF.map((byte, index) => byte ^ (clientSignature[index] ?? 0))
  expect(createHash('sha256').update(clientKey).digest()).toEqual(storedKey)
  expect(
    createHmac('sha256', serverKey ?? '')
      .update(MESSAGE)
      .digest('base64'),
  ).toBe(SERVER_SIGNATURE)
})

test('two verifiers of one password differ', () => {
  expect(deriveScramVerifier('pencil')).not.toBe(deriveScramVerifier('pencil'))
})
