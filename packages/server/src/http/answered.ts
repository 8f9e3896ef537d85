/**
 * When an answer has left: what bounds requests counts one until then, or slow readers would hold more than is counted.
 */
import type { HttpBindings } from '@hono/node-server'

/** Calls `then` once, when the whole answer is with the operating system or its connection is gone. */
export function whenAnswered(outgoing: HttpBindings['outgoing'], then: () => void): void {
  let called = false
  const callOnce = (): void => {
    if (called) return
    called = true
    then()
  }
  if (outgoing.destroyed) callOnce()
  else outgoing.once('finish', callOnce).once('close', callOnce)
}
