/** People with the page's messenger over the real server and database; a server may bend what it answers to one of them. */
import { expect } from 'vitest'
import { generateIdentity, writeIdentity } from 'keyhaven/identity'
import { openSession } from 'keyhaven/sync'
import type { Fetch } from 'keyhaven/sync'
import { addMessengerRoutes } from '../../packages/page/src/server/messenger/routes.ts'
import { openMessenger } from '../../packages/page/src/web/messenger/messenger.ts'
import type { Messenger } from '../../packages/page/src/web/messenger/messenger.ts'
import type { View } from '../../packages/page/src/web/messenger/view.ts'
import { openPlaces } from './people.ts'
import type { Place, TestPerson } from './people.ts'

export type Json = Record<string, unknown>
/** What a server that lies makes of an answer's body. */
export type Bend = (path: string, body: Json) => Json

/** Two people who met by a link. */
export interface Pair {
  readonly anna: TestPerson
  readonly ben: TestPerson
  readonly annas: Messenger
  readonly bens: Messenger
  readonly id: string
  readonly code: string
}

export interface MessengerPlace {
  readonly place: Place
  messengerOf(person: TestPerson, bend?: Bend): Promise<Messenger>
  /** Over a network of the test's own. */
  messengerOver(person: TestPerson, fetch: Fetch): Promise<Messenger>
  newPerson(): Promise<TestPerson>
  newPair(): Promise<Pair>
}

/** In beforeAll; closed after the file. */
export async function openMessengerPlace(): Promise<MessengerPlace> {
  const [place] = await openPlaces([{}], { routes: addMessengerRoutes })
  if (place === undefined) throw new Error('One place was asked for.')
  const messengerOf = (person: TestPerson, bend: Bend = (_, body) => body): Promise<Messenger> =>
    messengerOver(person, async (input, init) => {
      const answer = await place.network(input, init)
      const { pathname } = new URL(input as string)
      if (!pathname.startsWith('/v1/messenger/') || !answer.ok || answer.status === 204) return answer
      return Response.json(bend(pathname, (await answer.json()) as Json), { status: answer.status })
    })
  const newPerson = async (): Promise<TestPerson> => {
    const person = await place.newDevice()
    const identity = writeIdentity(await generateIdentity())
    await person.keys.importKeys({ identityKeys: { identity }, conversationKeys: {} })
    return person
  }
  return {
    place,
    messengerOf,
    messengerOver,
    newPerson,
    newPair: async () => {
      const [anna, ben] = [await newPerson(), await newPerson()]
      const [annas, bens] = [await messengerOf(anna), await messengerOf(ben)]
      const { id, code } = await annas.invite()
      expect(await bens.join(code)).toEqual({ status: 'joined', id })
      return { anna, ben, annas, bens, id, code }
    },
  }
}

async function messengerOver({ vault, keys }: TestPerson, fetch: Fetch): Promise<Messenger> {
  const session = await openSession({ vault, fetch })
  if (session === undefined) throw new Error('The test device is not signed in.')
  return openMessenger({ vault, keys, session })
}

/** The texts of a conversation, and the kind of what is none. */
export function textsOf(view: View): readonly string[] {
  if (view.status !== 'ready') return [view.status]
  return view.entries.map((entry) => (entry.kind === 'text' ? entry.text : entry.kind))
}
