/** Networks that change the JSON which passes through them, below one path. */
import type { Fetch } from 'keyhaven/sync'

export type Json = Readonly<Record<string, unknown>>

/** A network that changes what is sent. */
export function bendBody(network: Fetch, path: string, bend: (json: Json) => Json): Fetch {
  return (input, init) => {
    if (!(input as string).includes(path) || typeof init?.body !== 'string') return network(input, init)
    return network(input, { ...init, body: JSON.stringify(bend(JSON.parse(init.body) as Json)) })
  }
}

/** A network that changes what is answered to a GET. */
export function bendAnswer(network: Fetch, path: string, bend: (json: Json) => Json): Fetch {
  return async (input, init) => {
    const answered = await network(input, init)
    if (!(input as string).includes(path) || init?.method !== 'GET') return answered
    return Response.json(bend((await answered.json()) as Json))
  }
}
