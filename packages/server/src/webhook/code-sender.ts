/**
 * Sign-in codes by webhook: the operator's receiver sends the text message. A code is posted once, while its asker waits,
 * and is in no table; when that fails he asks again.
 */
import { randomUUID } from 'node:crypto'
import type { CodeSender } from '../auth/code-sender.ts'
import { postMessage } from './post.ts'
import type { Webhook } from './post.ts'

/** A sender that posts `{ "type": "sign_in_code", "phone", "code" }`. */
export function createWebhookCodeSender(webhook: Webhook): CodeSender {
  return async ({ phone, code }) => {
    await postMessage(webhook, { id: randomUUID(), content: { type: 'sign_in_code', phone, code } })
  }
}
