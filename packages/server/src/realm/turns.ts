/**
 * One request at a time for each record within this process. The row's lock already orders requests; this keeps those that
 * wait for it from holding the pool's connections, so that a flood on one record leaves the others served.
 */

/** Runs `work` after all that came before it under the same name; refuses with `undefined` when too many wait. */
export type TakeTurn = <Result>(name: string, work: () => Promise<Result>) => Promise<Result | undefined>

/** Turns by name, with at most `limit` running or waiting under one. */
export function createTurns(limit: number): TakeTurn {
  const lines = new Map<string, { readonly last: Promise<unknown>; readonly length: number }>()
  return async (name, work) => {
    const line = lines.get(name)
    if (line !== undefined && line.length >= limit) return undefined
    const turn = (line?.last ?? Promise.resolve()).then(work)
    const settled = turn.then(
      () => undefined,
      () => undefined,
    )
    lines.set(name, { last: settled, length: (line?.length ?? 0) + 1 })
    void settled.then(() => {
      leave(lines, name)
    })
    return turn
  }
}

function leave(
  lines: Map<string, { readonly last: Promise<unknown>; readonly length: number }>,
  name: string,
): void {
  const line = lines.get(name)
  if (line === undefined) return
  if (line.length > 1) lines.set(name, { ...line, length: line.length - 1 })
  else lines.delete(name)
}
