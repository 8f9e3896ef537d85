/**
 * Which server and realms a sign-in means: typed, read from a file, or asked of the server at the first sign-in.
 */
import { KeyhavenError } from 'keyhaven'
import { toHex } from 'keyhaven/crypto'
import { describeReliance, parseConfiguration, serializeConfiguration } from 'keyhaven/recovery'
import type { Configuration, ReliedRealm } from 'keyhaven/recovery'
import { CommandError } from '../command-line/command-error.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { printable } from '../command-line/words.ts'
import { readRealms } from './signed-realms.ts'
import type { DeviceRealms } from './settings.ts'

const REALM_DEADLINE_MS = 10_000
const MOST_ANSWER_BYTES = 4096

/** The origin of a server's address as typed; an address with a path or a name is `ERR_USAGE`. */
export function parseServer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const plain = url !== undefined && url.href === `${url.origin}/` && /^https?:$/.test(url.protocol)
  if (!plain)
    throw new CommandError(
      'ERR_USAGE',
      '--server needs an address such as https://keys.example or http://127.0.0.1:8787.',
    )
  return url.origin
}

/**
 * The realms for a first sign-in, or a check that the pinned ones are still meant: `ERR_REALMS_PINNED` when `file` or
 * the server's own realm differs from them.
 */
export async function chooseConfiguration(input: {
  readonly server: string
  readonly file: string | undefined
  /** The key that the file must be signed by, 64 hex digits. */
  readonly publicKey: string | undefined
  readonly pinned: DeviceRealms | undefined
  readonly signal: AbortSignal
}): Promise<DeviceRealms> {
  const { server, file, pinned } = input
  if (file !== undefined) {
    const given = await readRealms(file, input.publicKey ?? pinned?.signed?.publicKey)
    if (pinned !== undefined && !isSame(given, pinned)) throw otherRealms('--realms names others', EXIT.usage)
    return pinned ?? given
  }
  const realms = pinned?.configuration.realms
  if (realms?.every(({ address }) => address !== `${server}/realm/`) === true && pinned) return pinned
  const served = await askForRealm(server, input.signal)
  const [expected] = realms?.filter(({ address }) => address === `${server}/realm/`) ?? []
  if (expected !== undefined && toHex(expected.id) !== toHex(served.realms[0]?.id ?? new Uint8Array())) {
    throw otherRealms('the server now shows another', EXIT.distrusted)
  }
  return pinned ?? { configuration: served, signed: undefined }
}

/** Asks a server for its own realm and makes the configuration that relies on it alone. */
async function askForRealm(server: string, signal: AbortSignal): Promise<Configuration> {
  const address = `${server}/realm/`
  singleRealm('0'.repeat(32), address)
  const answer = await fetchSmall(address, signal)
  const value = parseAnswer(answer)
  if (value === undefined) {
    throw new CommandError(
      'ERR_SERVER_FOREIGN',
      `${server} is not a Keyhaven server with a realm of its own; name its realms with --realms.`,
    )
  }
  return singleRealm(value, address)
}

function parseAnswer(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    const { realmID } = JSON.parse(text) as { readonly realmID?: unknown }
    return typeof realmID === 'string' && /^[0-9a-f]{32}$/.test(realmID) ? realmID : undefined
  } catch {
    return undefined
  }
}

/** The text of a small answer with status 200, else `undefined`; an unreachable server is `ERR_SERVER_UNAVAILABLE`. */
async function fetchSmall(address: string, signal: AbortSignal): Promise<string | undefined> {
  const deadline = AbortSignal.timeout(REALM_DEADLINE_MS)
  const stop = AbortSignal.any([signal, deadline])
  try {
    const answer = await fetch(address, { redirect: 'manual', signal: stop })
    return answer.ok && answer.body !== null ? await readSmall(answer.body, stop) : undefined
  } catch {
    if (signal.aborted) throw new KeyhavenError('ERR_ABORTED', undefined)
    throw new KeyhavenError('ERR_SERVER_UNAVAILABLE', {
      fault: deadline.aborted ? 'timeout' : 'network',
      retryable: true,
    })
  }
}

/**
 * The text of a body, or `undefined` as soon as it is longer than such an answer can be. It watches `stop` itself, since
 * Node's fetch may forget its signal once it has answered.
 */
async function readSmall(body: ReadableStream<Uint8Array>, stop: AbortSignal): Promise<string | undefined> {
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader()
  const cancel = (): void => {
    reader.cancel().catch(() => undefined)
  }
  stop.addEventListener('abort', cancel)
  if (stop.aborted) cancel()
  const parts: Uint8Array[] = []
  let length = 0
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value)
    length += next.value.length
    if (length > MOST_ANSWER_BYTES) {
      cancel()
      return undefined
    }
  }
  stop.throwIfAborted()
  return Buffer.concat(parts).toString()
}

function singleRealm(id: string, address: string): Configuration {
  return parseConfiguration({
    realms: [{ id, address }],
    register_threshold: 1,
    recover_threshold: 1,
    pin_hashing_mode: 'Standard2019',
  })
}

function isSame(given: DeviceRealms, pinned: DeviceRealms): boolean {
  if (given.signed?.publicKey !== pinned.signed?.publicKey) return false
  if (given.signed !== undefined && given.signed.document === pinned.signed?.document) return true
  return isSameConfiguration(given.configuration, pinned.configuration)
}

/** True when two configurations say the same, operators and addresses included. */
export function isSameConfiguration(left: Configuration, right: Configuration): boolean {
  return JSON.stringify(serializeConfiguration(left)) === JSON.stringify(serializeConfiguration(right))
}

function otherRealms(how: string, exit: typeof EXIT.usage | typeof EXIT.distrusted): CommandError {
  const text = `This device relies on the realms of its first sign-in, and ${how}. Nothing was changed; use another --home for other realms.`
  return new CommandError('ERR_REALMS_PINNED', text, exit)
}

/** The realms in plain words, one line each after the first. */
export function describeRealms(configuration: Configuration): string {
  const { realms, realmsToCollude } = describeReliance(configuration)
  const [only] = realms
  if (realms.length === 1 && only !== undefined) return `1 realm, ${describeRealm(only)}`
  const lines = realms.map((realm) => `\n  ${describeRealm(realm)}`)
  return `${String(realms.length)} realms, any ${String(realmsToCollude)} of which bring the keys back:${lines.join('')}`
}

function describeRealm({ id, address, operator }: ReliedRealm): string {
  const by = operator && `, run by ${printable(operator.name)} (${printable(operator.jurisdiction)})`
  return `${id} at ${address}${by ?? ''}`
}
