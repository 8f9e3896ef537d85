/**
 * One message to the operator's webhook, signed as Standard Webhooks 1.0.0 has it: HMAC-SHA-256 over
 * `id.timestamp.body`. The receiver checks the signature and the time, and takes each id once.
 */
import { createHmac } from 'node:crypto'

/** Where messages go, and the 32 bytes that sign them. */
export interface Webhook {
  /** https, or http on loopback. */
  readonly url: string
  readonly secret: Uint8Array
}

const DEADLINE_MS = 10_000

/** Delivers a message; throws unless the receiver answers with 2xx within 10 s. */
export async function postMessage(
  webhook: Webhook,
  message: { readonly id: string; readonly content: object },
): Promise<void> {
  const body = JSON.stringify(message.content)
  const timestamp = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', webhook.secret)
    .update(`${message.id}.${timestamp}.${body}`)
    .digest('base64')
  const response = await fetch(webhook.url, {
    method: 'POST',
    redirect: 'error',
    signal: AbortSignal.timeout(DEADLINE_MS),
    headers: {
      'Content-Type': 'application/json',
      'webhook-id': message.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
    body,
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error('The webhook did not take a message.')
}
