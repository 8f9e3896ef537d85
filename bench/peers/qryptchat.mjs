/**
 * QryptChat's way to back conversation keys up, as its document has it: JSON `{"keys":{id:base64,…},"timestamp":ms}`
 * in one AES-256-GCM blob, `nonce ‖ ciphertext`. All of it is made and sent again with every change.
 */

const key = await crypto.subtle.importKey('raw', new Uint8Array(32).fill(7), 'AES-GCM', false, [
  'encrypt',
  'decrypt',
])

const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes))
const parseBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0))

/** The blob of some `{ name, key }`. */
export async function sealQryptChatBlob(entries) {
  const keys = Object.fromEntries(entries.map((entry) => [entry.name, toBase64(entry.key)]))
  const text = JSON.stringify({ keys, timestamp: Date.now() })
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const ciphertext = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, new TextEncoder().encode(text))
  const blob = new Uint8Array(12 + ciphertext.byteLength)
  blob.set(iv)
  blob.set(new Uint8Array(ciphertext), 12)
  return blob
}

/** The keys of a blob, by conversation. */
export async function openQryptChatBlob(blob) {
  const iv = blob.subarray(0, 12)
  const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, blob.subarray(12))
  const { keys } = JSON.parse(new TextDecoder().decode(opened))
  return Object.fromEntries(Object.entries(keys).map(([name, text]) => [name, parseBase64(text)]))
}
