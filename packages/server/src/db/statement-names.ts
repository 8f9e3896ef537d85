/**
 * Names for prepared statements: PostgreSQL parses and plans each text once for a connection. Only a program's own texts come here, so
 * there are few; what is beyond the bound is not prepared.
 */
const MOST = 1000

const names = new Map<string, string>()

/** The same name for the same text; `undefined` when there are too many. */
export function nameStatement(text: string): string | undefined {
  const known = names.get(text)
  if (known !== undefined || names.size >= MOST) return known
  const name = `keyhaven_${String(names.size)}`
  names.set(text, name)
  return name
}
