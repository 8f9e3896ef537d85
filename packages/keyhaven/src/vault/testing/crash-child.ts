/**
 * A process that kills itself at a given file system call of a step: `node crash-child.js <step> <folder> <call> <moment>`.
 */
import { failingOperations } from './failing-operations.ts'
import type { Moment } from './failing-operations.ts'
import { run } from './crash-steps.ts'
import type { StepName } from './crash-steps.ts'

const [step, directory, at, moment] = process.argv.slice(2)
const { operations } = failingOperations(Number(at), moment as Moment, () => {
  process.kill(process.pid, 'SIGKILL')
})
await run(step as StepName, directory ?? '', operations)
