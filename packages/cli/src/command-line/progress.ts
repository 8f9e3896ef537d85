/** One line of progress on a terminal's stderr, rewritten in place; nothing at all when stderr is no terminal. */
import type { Progress as KeySyncProgress } from 'keyhaven/sync'

/** A stream of the process, or what stands for one in a test. */
export interface OutputStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(output: string | Uint8Array): unknown
}

/** Where long work says how far it is. */
export interface Progress {
  /** Shows a line in place of the one before. */
  show(text: string): void
  /** Takes the line away, so that other output starts on a clean one. */
  clear(): void
}

/** A progress line on `stream` when that is a terminal, else one that shows nothing. */
export function createProgress(stream: OutputStream): Progress {
  if (stream.isTTY !== true) return { show: () => undefined, clear: () => undefined }
  let shown = false
  return {
    show(text: string): void {
      stream.write(`\r\u001b[2K${text.slice(0, Math.max(20, (stream.columns ?? 80) - 1))}`)
      shown = true
    },
    clear(): void {
      if (shown) stream.write('\r\u001b[2K')
      shown = false
    },
  }
}

const PHASES: Readonly<Record<KeySyncProgress['phase'], string>> = {
  pin: 'checking the PIN with the realms',
  download: 'fetching',
  open: 'opening',
  upload: 'sending',
  register: 'registering with the realms',
}

/** Turns the progress of a synchronisation into lines such as "Backing up: sending 3 of 8 …". */
export function reportProgress(progress: Progress, doing: string): (step: KeySyncProgress) => void {
  progress.show(`${doing} …`)
  return ({ phase, done, total }) => {
    const count = total > 1 ? ` ${String(done)} of ${String(total)}` : ''
    progress.show(`${doing}: ${PHASES[phase]}${count} …`)
  }
}
