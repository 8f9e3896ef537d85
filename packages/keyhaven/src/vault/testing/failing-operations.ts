/**
 * The file system's calls, counted, with something that happens at the n-th of them: for crash tests.
 */
import { fileOperations } from '../storage/file-operations.ts'
import type { FileOperations } from '../storage/file-operations.ts'

/** When the blow falls: before the call, after it, or, for the making of a file, with half of its bytes written. */
export type Moment = 'before' | 'halfway' | 'after'

/** The real calls; `strike` runs at call number `at` (from 0). `calls` names all that were made. */
export function failingOperations(
  at: number,
  moment: Moment,
  strike: () => void,
): { readonly operations: FileOperations; readonly calls: () => readonly (keyof FileOperations)[] } {
  const made: (keyof FileOperations)[] = []
  const around = async <T>(
    call: keyof FileOperations,
    work: () => Promise<T>,
    half?: () => Promise<unknown>,
  ): Promise<T> => {
    const struck = made.length === at
    made.push(call)
    if (struck && moment === 'before') strike()
    if (struck && moment === 'halfway') {
      await half?.()
      strike()
    }
    const result = await work()
    if (struck && moment === 'after') strike()
    return result
  }
  const real = fileOperations
  const operations: FileOperations = {
    read: (path, range) => around('read', () => real.read(path, range)),
    create: (path, bytes, options) =>
      around(
        'create',
        () => real.create(path, bytes, options),
        () => real.create(path, bytes.subarray(0, bytes.length / 2), options),
      ),
    rename: (from, to) => around('rename', () => real.rename(from, to)),
    link: (from, to) => around('link', () => real.link(from, to)),
    remove: (path) => around('remove', () => real.remove(path)),
    list: (directory) => around('list', () => real.list(directory)),
    makeDirectory: (directory) => around('makeDirectory', () => real.makeDirectory(directory)),
    removeDirectory: (directory) => around('removeDirectory', () => real.removeDirectory(directory)),
    syncDirectory: (directory) => around('syncDirectory', () => real.syncDirectory(directory)),
  }
  return { operations, calls: () => made }
}
