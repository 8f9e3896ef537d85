/**
 * One protection of several, all of which are needed: a password and a passkey, say.
 */
import type { Protection } from '../protection.ts'
import { notePortable, portableOf } from './portable.ts'

/** Needs every one of `protections`, each of another kind, to open. The secrets enter one HKDF together. */
export function combineProtections(
  protections: readonly Protection[],
  options: { readonly label?: string } = {},
): Protection {
  const combined: Protection = {
    label: options.label,
    factors: protections.flatMap(({ factors }) => factors),
  }
  const portables = protections.map(portableOf)
  if (!portables.includes(undefined)) {
    notePortable(combined, { type: 'all', options: { portables, label: options.label } })
  }
  return combined
}
