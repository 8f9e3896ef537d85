/**
 * What is remembered of the segments of a log: found by id, and by device and sequence.
 */

/** What is remembered of a segment. Ids are hex. */
export interface LogEntry {
  readonly id: string
  readonly device: string
  readonly sequence: number
  /** The longest way to a root of this generation; parents are below their children. */
  readonly depth: number
}

export interface LogEntries {
  readonly get: (id: string) => LogEntry | undefined
  /** The id of the segment that has this device's sequence. */
  readonly idAt: (device: string, sequence: number) => string | undefined
  /** Adds an entry; one that is there already stays. */
  readonly add: (entry: LogEntry) => void
}

/** Some entries. */
export function createLogEntries(...known: readonly LogEntry[]): LogEntries {
  const byId = new Map<string, LogEntry>()
  const bySequence = new Map<string, Map<number, string>>()
  const add = (entry: LogEntry): void => {
    if (byId.has(entry.id)) return
    byId.set(entry.id, entry)
    const ids = bySequence.get(entry.device) ?? new Map<number, string>()
    bySequence.set(entry.device, ids.set(entry.sequence, ids.get(entry.sequence) ?? entry.id))
  }
  for (const entry of known) add(entry)
  return {
    get: (id) => byId.get(id),
    idAt: (device, sequence) => bySequence.get(device)?.get(sequence),
    add,
  }
}
