/**
 * Makes every network API of Node refuse, for the test file that imports it: vault, Nostr keys and migration need none.
 */
import dgram from 'node:dgram'
import dns from 'node:dns'
import net from 'node:net'

function refuse(): never {
  throw new Error('the vault has used the network')
}

net.Socket.prototype.connect = refuse
dgram.Socket.prototype.send = refuse
Object.assign(dns, { lookup: refuse, resolve: refuse })
Object.assign(dns.promises, { lookup: refuse, resolve: refuse })
Object.assign(globalThis, { fetch: refuse, WebSocket: refuse, XMLHttpRequest: refuse })
