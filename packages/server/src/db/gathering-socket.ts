/**
 * A socket that sends what is written in one turn of the event loop as one piece: one call of the system where several statements are
 * sent together, and one time that PostgreSQL is woken for them.
 */
import { Socket } from 'node:net'

type Written = (fault?: Error | null) => void

/** For connections without TLS, which writes past the socket below it and is not gathered. */
export function createGatheringSocket(): Socket {
  const socket = new Socket()
  // Not before: connecting puts Node's own method back.
  socket.once('connect', () => {
    gather(socket)
  })
  return socket
}

function gather(socket: Socket): void {
  const write = socket.write.bind(socket)
  let gathering = false
  socket.write = (chunk: Uint8Array | string, encoding?: BufferEncoding | Written, written?: Written) => {
    if (!gathering) {
      gathering = true
      socket.cork()
      process.nextTick(() => {
        gathering = false
        socket.uncork()
      })
    }
    return typeof encoding === 'string' ? write(chunk, encoding, written) : write(chunk, encoding)
  }
}
