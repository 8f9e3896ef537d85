/** The tabs of one browser share its vault: when it leaves in one of them, none of the others may go on showing keys. */

const channel = new BroadcastChannel('keyhaven-left')

/** To be called when the vault is gone. */
export function tellOtherTabs(): void {
  channel.postMessage('left')
}

/** Calls `act` each time another tab has told; returns what ends that. */
export function whenAnotherTabLeaves(act: () => void): () => void {
  channel.addEventListener('message', act)
  return () => {
    channel.removeEventListener('message', act)
  }
}
