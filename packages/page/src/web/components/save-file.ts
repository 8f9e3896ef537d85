/** Gives the person a file to keep. */
export function saveFile(input: {
  readonly name: string
  readonly type: string
  readonly text: string
}): void {
  const address = URL.createObjectURL(new Blob([input.text], { type: input.type }))
  const link = document.createElement('a')
  link.href = address
  link.download = input.name
  link.click()
  URL.revokeObjectURL(address)
}
