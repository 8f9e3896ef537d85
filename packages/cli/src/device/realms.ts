/**
 * Which server and realms a sign-in means: typed, read from a file, or asked of the server at the first sign-in.
 */
import { KeyhavenError } from 'keyhaven'
import { toHex } from 'keyhaven/crypto'
import { parseConfiguration, serializeConfiguration } from 'keyhaven/recovery'
import type { Configuration } from 'keyhaven/recovery'
import { CommandError } from '../command-line/command-error.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { readUpTo } from './files.ts'

const REALM_DEADLINE_MS = 10_000
const MOST_ANSWER_BYTES = 4096
const MOST_FILE_BYTES = 64 * 1024

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
  readonly pinned: Configuration | undefined
  readonly signal: AbortSignal
}): Promise<Configuration> {
  const { server, file, pinned } = input
  if (file !== undefined) {
    const given = await readConfiguration(file)
    if (pinned !== undefined && !isSame(given, pinned)) throw otherRealms('--realms names others', EXIT.usage)
    return given
  }
  if (pinned?.realms.every(({ address }) => address !== `${server}/realm/`) === true) return pinned
  const served = await askForRealm(server, input.signal)
  const [expected] = pinned?.realms.filter(({ address }) => address === `${server}/realm/`) ?? []
  if (expected !== undefined && toHex(expected.id) !== toHex(served.realms[0]?.id ?? new Uint8Array())) {
    throw otherRealms('the server now shows another', EXIT.distrusted)
  }
  return pinned ?? served
}

/** The configuration of a file; `ERR_CONFIGURATION_INVALID` when it holds none. */
export async function readConfiguration(file: string): Promise<Configuration> {
  const bytes = await readUpTo(file, MOST_FILE_BYTES + 1, 'file with realms')
  if (bytes.length > MOST_FILE_BYTES) {
    throw new KeyhavenError('ERR_CONFIGURATION_INVALID', { problem: 'longer than 64 KiB' })
  }
  return parseConfiguration(parseJson(new TextDecoder().decode(bytes)))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new KeyhavenError('ERR_CONFIGURATION_INVALID', { problem: 'not JSON' })
  }
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

function isSame(left: Configuration, right: Configuration): boolean {
  return JSON.stringify(serializeConfiguration(left)) === JSON.stringify(serializeConfiguration(right))
}

function otherRealms(how: string, exit: typeof EXIT.usage | typeof EXIT.distrusted): CommandError {
  const text = `This device relies on the realms of its first sign-in, and ${how}. Nothing was changed; use another --home for other realms.`
  return new CommandError('ERR_REALMS_PINNED', text, exit)
}

/** The realms in plain words, one line each after the first. */
export function describeRealms({ realms, recoverThreshold }: Configuration): string {
  const [only] = realms
  if (realms.length === 1 && only !== undefined) return `1 realm, ${toHex(only.id)} at ${only.address}`
  const lines = realms.map(({ id, address }) => `\n  ${toHex(id)} at ${address}`)
  return `${String(realms.length)} realms, any ${String(recoverThreshold)} of which bring the keys back:${lines.join('')}`
}
