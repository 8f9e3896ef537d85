/** Remembers which faults were parts of the page that could not be loaded: browsers each say that in words of their own. */
const unloaded = new WeakSet()

// The bundler's loader says so before it throws.
addEventListener('vite:preloadError', ({ payload }) => {
  unloaded.add(payload)
})

export function isUnloaded(fault: unknown): boolean {
  return typeof fault === 'object' && fault !== null && unloaded.has(fault)
}
