/**
 * Searches everything that a server kept, and everything that passed on the wire, for secrets that should be in none
 * of it.
 *
 * A search that finds nothing proves nothing unless it would have found something: so each place holds a marker that
 * was planted there, and a place in which the marker is not found counts as not searched.
 *
 * It reads bytes as they lie there. PostgreSQL may compress a value of more than 2 KB, and this would not see into it; but
 * nothing reaches the database that did not pass on the wire first, where a compressed message fails the demo.
 */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hasDigitRun } from './digit-runs.ts'
import type { BlockEdges } from './digit-runs.ts'
import { throwIfAborted } from './keyhaven-process.ts'
import { createLeakSearch } from './leak-search.ts'
import type { NeedleForm } from './needles.ts'
import { deriveNeedles } from './needles.ts'

const BLOCK = 16 * 1024 * 1024
/** Blocks of one file overlap by more than the longest needle, which is 16 bytes as decimal numbers: 63 characters. */
const OVERLAP = 128

/** A piece of one file or message. */
export interface Block extends BlockEdges {
  readonly bytes: Uint8Array
}

/** Something to search, under a name for people. */
export interface Place {
  readonly name: string
  readonly blocks: () => AsyncIterable<Block>
  /** Runs of digits that are known to be here, as a marker; without them it is the search's own marker. */
  readonly knownDigits?: readonly string[]
}

/** What must not be found. */
export interface Secrets {
  /** At least 16 bytes each; looked for in every form of `needles.ts`, whole and in part. */
  readonly bytes: readonly Uint8Array[]
  /** Looked for as whole runs of digits. */
  readonly digits: readonly string[]
}

export interface SearchResult {
  readonly bytes: number
  /** Each place, secret and form once. */
  readonly leaks: number
  /** What was found, without the secrets. */
  readonly findings: readonly { readonly place: string; readonly form: NeedleForm | 'digits' }[]
  /** Places in which the planted marker was not found. */
  readonly unmarked: readonly string[]
}

/** Searches all places; `onProgress` hears of the bytes searched so far. */
export async function searchPlaces(input: {
  readonly places: readonly Place[]
  readonly secrets: Secrets
  readonly marker: Uint8Array
  readonly onProgress: (bytes: number) => void
  readonly signal: AbortSignal
}): Promise<SearchResult> {
  const { secrets, marker } = input
  const needles = deriveNeedles([...secrets.bytes, marker])
  const search = createLeakSearch(needles)
  const findings = new Map<string, SearchResult['findings'][number]>()
  const unmarked: string[] = []
  let searched = 0
  for (const place of input.places) {
    const known = place.knownDigits ?? []
    let marked = false
    for await (const block of place.blocks()) {
      throwIfAborted(input.signal)
      for (const number of search.find(block.bytes)) {
        const { secret, form } = needles[number] ?? { secret: -1, form: 'raw' }
        if (secret === secrets.bytes.length) marked ||= known.length === 0
        else findings.set(`${place.name} ${String(secret)} ${form}`, { place: place.name, form })
      }
      for (const [index, digits] of secrets.digits.entries()) {
        if (hasDigitRun(block.bytes, digits, block))
          findings.set(`${place.name} PIN ${String(index)}`, { place: place.name, form: 'digits' })
      }
      marked ||= known.length > 0 && known.every((digits) => hasDigitRun(block.bytes, digits, block))
      searched += block.bytes.length
      input.onProgress(searched)
    }
    if (!marked) unmarked.push(place.name)
  }
  return { bytes: searched, leaks: findings.size, findings: [...findings.values()], unmarked }
}

/** All regular files below some folders, or single files, in overlapping blocks. */
export function filesPlace(name: string, paths: readonly string[], knownDigits?: readonly string[]): Place {
  return {
    name,
    ...(knownDigits && { knownDigits }),
    async *blocks(): AsyncIterable<Block> {
      for (const path of paths) for await (const file of listFiles(path)) yield* readBlocks(file)
    },
  }
}

/** Messages that were captured, each whole. */
export function messagesPlace(name: string, messages: readonly Uint8Array[]): Place {
  return {
    name,
    async *blocks(): AsyncIterable<Block> {
      for (const bytes of messages) yield await Promise.resolve({ bytes, cutAtStart: false, cutAtEnd: false })
    },
  }
}

async function* listFiles(path: string): AsyncIterable<string> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (entries === undefined) {
    yield path
    return
  }
  for (const entry of entries) {
    if (entry.isDirectory()) yield* listFiles(join(path, entry.name))
    else if (entry.isFile()) yield join(path, entry.name)
  }
}

async function* readBlocks(path: string): AsyncIterable<Block> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    for (let start = 0; start < size; start += BLOCK) {
      const from = Math.max(0, start - OVERLAP)
      const bytes = new Uint8Array(Math.min(size, start + BLOCK) - from)
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from)
      yield { bytes: bytes.subarray(0, bytesRead), cutAtStart: from > 0, cutAtEnd: start + BLOCK < size }
    }
  } finally {
    await file.close()
  }
}
