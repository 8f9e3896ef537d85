/**
 * Leaving a secret on the realms under a PIN.
 */
import type { Argon2id } from '../crypto/argon2.ts'
import { loadArgon2id } from '../crypto/argon2.ts'
import { randomBytes, wipe } from '../crypto/bytes.ts'
import type { RealmFault } from '../errors.ts'
import { KeyhavenError } from '../errors.ts'
import { LENGTHS } from './messages.ts'
import type { Register2Request } from './messages.ts'
import type { Operation, PinOptions } from './operation.ts'
import { invalidInput, runOperation } from './operation.ts'
import { stretchPin } from './pin.ts'
import { callRealm, isFault } from './realm-call.ts'
import { SECRET_LIMIT, createRegistration } from './registration.ts'

export interface RegisterOptions extends PinOptions {
  /** 1 to 128 bytes. */
  readonly secret: Uint8Array
  /** Wrong PINs before the realms destroy their shares, 1 to 65535; a realm may lower it. */
  readonly numGuesses: number
}

export interface RegisterResult {
  /** The registration's random name, 16 bytes. */
  readonly version: Uint8Array
  /** The ids of the realms that hold it. */
  readonly stored: readonly Uint8Array[]
  readonly faults: readonly RealmFault[]
}

/**
 * Registers a secret under a PIN and returns once `registerThreshold` realms hold it and the others have answered or
 * run out of time. What a realm held before is gone.
 *
 * `ERR_REALMS_UNAVAILABLE` when too few realms answer: if some of them hold the new registration by then, `remove` it
 * or register again. `ERR_INPUT_INVALID` and the configuration's codes before anything is sent; `ERR_ABORTED`.
 */
export async function register(options: RegisterOptions): Promise<RegisterResult> {
  checkInput(options)
  return runOperation(options, async (operation) => {
    const version = randomBytes(LENGTHS.version)
    operation.progress('contacting')
    const [requests, willing] = await Promise.all([
      prepare(options, operation, version),
      askWilling(operation),
    ])
    operation.progress('storing')
    const results = await Promise.all(
      operation.configuration.realms.map((realm, place) =>
        store(operation, { realm, willingness: willing[place], request: requests[place] }),
      ),
    )
    const faults = results.filter(isFault)
    const stored = operation.configuration.realms.filter((_, place) => !isFaultAt(results, place))
    if (stored.length < operation.configuration.registerThreshold) throw unavailable(faults)
    return { version, stored: stored.map(({ id }) => id), faults }
  })
}

function checkInput(options: RegisterOptions): void {
  const { secret, numGuesses, pin } = options
  if (pin.length === 0) throw invalidInput('pin', 'at least one byte')
  if (secret.length < 1 || secret.length > SECRET_LIMIT) throw invalidInput('secret', '1 to 128 bytes')
  if (!Number.isInteger(numGuesses) || numGuesses < 1 || numGuesses > 0xffff) {
    throw invalidInput('numGuesses', '1 to 65535')
  }
}

/** Stretches the PIN and makes every realm's part, while the realms are asked whether they are there. */
async function prepare(
  options: RegisterOptions,
  operation: Operation,
  version: Uint8Array,
): Promise<readonly Register2Request[]> {
  const { configuration, line } = operation
  const argon2id: Argon2id = options.argon2id ?? (await loadArgon2id())
  operation.progress('stretching')
  const { pin, userInfo, secret, numGuesses } = options
  const stretched = await stretchPin({ argon2id, mode: configuration.pinHashingMode, pin, version, userInfo })
  const { realms, recoverThreshold } = configuration
  const requests = createRegistration({
    group: line.group,
    realms,
    recoverThreshold,
    version,
    stretched,
    secret,
    numGuesses,
  })
  wipe(stretched.accessKey, stretched.encryptionKeySeed)
  return requests
}

type Willingness = Awaited<ReturnType<typeof askWilling>>[number]

/** Register1 to every realm: none is overwritten unless enough of them answer. */
async function askWilling(
  operation: Operation,
): Promise<readonly (RealmFault | { readonly status: 'ok' })[]> {
  const { configuration, line } = operation
  const answers = await Promise.all(
    configuration.realms.map((realm) => callRealm(line, realm, { kind: 'register1' })),
  )
  const faults = answers.filter(isFault)
  if (answers.length - faults.length < configuration.registerThreshold) throw unavailable(faults)
  return answers
}

/** Register2, also to a realm that failed at Register1, unless it has used up its time there. */
async function store(
  operation: Operation,
  input: {
    readonly realm: Operation['configuration']['realms'][number]
    readonly willingness: Willingness | undefined
    readonly request: Register2Request | undefined
  },
): Promise<RealmFault | { readonly status: 'ok' }> {
  const { realm, willingness, request } = input
  if (request === undefined) throw invalidInput('configuration', 'one request for each realm')
  if (willingness !== undefined && isFault(willingness) && willingness.fault === 'timeout') return willingness
  return callRealm(operation.line, realm, request)
}

function isFaultAt(results: readonly object[], place: number): boolean {
  const result = results[place]
  return result === undefined || isFault(result)
}

function unavailable(faults: readonly RealmFault[]): KeyhavenError<'ERR_REALMS_UNAVAILABLE'> {
  return new KeyhavenError('ERR_REALMS_UNAVAILABLE', { realms: faults })
}
