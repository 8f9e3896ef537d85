/**
 * What one address, one record and one tenant may ask of the realm at this process, so that none of them takes it from the
 * others. What a record may be asked to evaluate at all is counted in the database.
 */
import type { Traffic } from '../http/traffic.ts'
import { createTraffic } from '../http/traffic.ts'
import type { RealmLimits } from '../settings/realm-limits.ts'

/** The time that the numbers of requests are for, in seconds. */
const SPAN_SECONDS = 600
/** Requests at once. Those about one record wait for one another; a person's own devices make a handful. */
const AT_ONCE = { address: 256, record: 256, tenant: 1024 }

export interface RealmTraffic {
  readonly ofAddresses: Traffic
  readonly ofRecords: Traffic
  readonly ofTenants: Traffic
}

/** Counts for one process. */
export function createRealmTraffic({ requests }: RealmLimits): RealmTraffic {
  const create = (by: keyof typeof AT_ONCE): Traffic =>
    createTraffic({ most: requests[by], seconds: SPAN_SECONDS, atOnce: AT_ONCE[by] })
  return { ofAddresses: create('address'), ofRecords: create('record'), ofTenants: create('tenant') }
}
