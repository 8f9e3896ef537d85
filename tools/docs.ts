/** Finds the code blocks of the documents, so that the tests can compile and run them. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export interface CodeBlock {
  /** The document, relative to the repository's root. */
  readonly document: string
  /** Line of the opening fence, from 1. */
  readonly line: number
  readonly language: string
  readonly code: string
}

/** Every fenced block of the Markdown documents in the root and in docs/. */
export function listCodeBlocks(root: string): readonly CodeBlock[] {
  return listDocuments(root).flatMap((document) =>
    parseCodeBlocks(document, readFileSync(join(root, document), 'utf8')),
  )
}

/** The Markdown documents of the repository, relative to its root. */
export function listDocuments(root: string): readonly string[] {
  const markdown = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
      .map((entry) => join(folder, entry.name))
  return [...markdown('.'), ...markdown('docs'), ...markdown('docs/decisions')]
}

function parseCodeBlocks(document: string, text: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: { line: number; language: string; lines: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    if (!line.startsWith('```')) open?.lines.push(line)
    else if (open === undefined) open = { line: index + 1, language: line.slice(3).trim(), lines: [] }
    else {
      blocks.push({ document, line: open.line, language: open.language, code: `${open.lines.join('\n')}\n` })
      open = undefined
    }
  }
  return blocks
}
