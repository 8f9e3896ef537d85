/** Holds the vaults, so that unlocked keys are not on the page. The vault for shared computers is in memory alone. */
import { indexedDbStorage, memoryStorage } from 'keyhaven/vault'
import { serveVaults } from 'keyhaven/vault/worker'
import { IN_MEMORY } from './places.ts'

const memory = memoryStorage()

serveVaults({ storageOf: (database) => (database === IN_MEMORY ? memory : indexedDbStorage()) })
