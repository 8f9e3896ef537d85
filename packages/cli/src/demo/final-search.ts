/** The end of the demo: a marker is planted, the server stops, and everything is searched. */
import { randomBytes } from 'keyhaven/crypto'
import { CommandError } from '../command-line/command-error.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { describeBytes, describeCount } from '../command-line/words.ts'
import type { ServerProcess } from './keyhaven-process.ts'
import { plantInDatabase, plantInTraffic } from './marker.ts'
import { filesPlace, messagesPlace, searchPlaces } from './search-places.ts'
import type { SearchResult } from './search-places.ts'
import { PHONES } from './stage.ts'
import type { Played, Stage } from './stage.ts'

/** Plants a random marker in every place but the log, then stops the server so that its files are whole. */
export function stopServer({ steps, origin, capture }: Stage, server: ServerProcess): Promise<Uint8Array> {
  return steps.run({
    name: 'stop',
    doing: 'Planting a marker and stopping the server',
    work: async () => {
      const marker = randomBytes(32)
      const earlier = server.codes.length
      await plantInDatabase({
        origin,
        phone: PHONES.marker,
        marker,
        nextCode: () => server.waitForCode(earlier + 1),
      })
      await plantInTraffic(capture, marker)
      await server.stop()
      return marker
    },
    describe: () => 'A marker is planted for the search, and the server stops',
  })
}

/** Searches the server's files, its log and all that was captured for everything that the people kept secret. */
export async function searchEverything(
  stage: Stage,
  input: {
    readonly marker: Uint8Array
    readonly codes: readonly string[]
    readonly people: readonly Played[]
  },
): Promise<SearchResult> {
  const { steps, capture, dataDirectory, logFile, signal } = stage
  if (capture.compressed > 0)
    throw new CommandError('ERR_DEMO_FAILED', 'A message was compressed and cannot be searched.', EXIT.fault)
  const places = [
    filesPlace("the database and the server's other files", [dataDirectory, `${dataDirectory}-keys`]),
    filesPlace("the server's log", [logFile], input.codes),
    messagesPlace('request heads', capture.requestHeads),
    messagesPlace('request bodies', capture.requestBodies),
    messagesPlace('answer heads', capture.answerHeads),
    messagesPlace('answer bodies', capture.answerBodies),
  ]
  const keys = input.people.flatMap(
    ({
      person: {
        keys: { identityKeys, conversationKeys },
      },
    }) => [...Object.values(identityKeys), ...Object.values(conversationKeys)],
  )
  const secrets = {
    bytes: [...keys, ...input.people.flatMap(({ bytes }) => bytes)],
    digits: input.people.flatMap(({ digits }) => digits),
  }
  return steps.run({
    name: 'search',
    doing: 'Searching',
    work: (say) =>
      searchPlaces({
        places,
        secrets,
        marker: input.marker,
        signal,
        onProgress: (bytes) => {
          say(describeBytes(bytes))
        },
      }),
    describe: (result) => describeSearch(result, secrets.bytes.length + secrets.digits.length, places.length),
  })
}

function describeSearch({ bytes, leaks, unmarked }: SearchResult, secrets: number, places: number): string {
  const what = `${describeBytes(bytes)} in ${String(places)} places searched for ${describeCount(secrets, 'secret')}`
  if (unmarked.length > 0) return `${what}: NOT PROVEN`
  return `${what}: ${leaks === 0 ? 'none' : String(leaks).toUpperCase() + ' FOUND'}`
}
