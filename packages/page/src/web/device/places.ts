/** The name under which the worker keeps a vault in memory. */
export const IN_MEMORY = 'memory'
