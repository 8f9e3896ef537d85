/** All commands, in the order in which help lists them. */
import type { Command } from '../command-line/command.ts'
import { backup } from './backup.ts'
import { demo } from './demo.ts'
import { keysExport } from './keys-export.ts'
import { keysImport } from './keys-import.ts'
import { keysList } from './keys-list.ts'
import { login } from './login.ts'
import { restore } from './restore.ts'
import { serve } from './serve.ts'
import { status } from './status.ts'

export const COMMANDS: readonly Command[] = [
  login,
  keysImport,
  keysList,
  keysExport,
  backup,
  restore,
  status,
  serve,
  demo,
]
