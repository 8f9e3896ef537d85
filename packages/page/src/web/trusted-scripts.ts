/** The page's one Trusted Types policy: only its own built scripts may become workers. */
const policy = (typeof trustedTypes === 'undefined' ? undefined : trustedTypes)?.createPolicy('keyhaven', {
  createScriptURL: (address) => {
    const url = new URL(address, location.origin)
    if (url.origin === location.origin && /^\/(?:assets\/[\w-]+|service-worker)\.js$/.test(url.pathname))
      return url.href
    throw new TypeError('Not a script of this page.')
  },
})

/** An address that may be given to `Worker` and `register`. */
export function trustedScript(address: string): string {
  // Where the browser has no Trusted Types there is nothing to ask; where it has, the type that it wants is a string's for TypeScript.
  return (policy?.createScriptURL(address) as string | undefined) ?? address
}
