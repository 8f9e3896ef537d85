/** The account's pointer: which registration, generation and realms are in use. */
export interface Pointer {
  readonly registration: string
  readonly generation: number
  readonly realms: readonly string[]
  /** The id of the newest ways or snapshot segment when the pointer moved. */
  readonly anchor: string
  /** Grows by one with each change. */
  readonly serial: number
  /** The authority key's signature of all of the above, 128 hex digits. */
  readonly statement: string | undefined
  /** The authority key that the registration is bound to at its realms: that in use, or a former one. */
  readonly registrationAuthority: string | undefined
}
