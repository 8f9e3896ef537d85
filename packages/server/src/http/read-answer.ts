/** Answers of servers that are not ours. */
import { KeyhavenError } from 'keyhaven'

/** The body of an answer; `ERR_SERVER_UNAVAILABLE` when it has more than `most` bytes, of which no more are read. */
export async function readAnswer(answer: Response, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer.body ?? []) {
    length += chunk.length
    // Leaving the loop cancels the rest.
    if (length > most) throw new KeyhavenError('ERR_SERVER_UNAVAILABLE', { fault: 'body', retryable: false })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}
