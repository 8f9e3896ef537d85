/** The worker of the test page: all that an app's worker needs. */
import { serveVaults } from 'keyhaven/vault/worker'

serveVaults()
