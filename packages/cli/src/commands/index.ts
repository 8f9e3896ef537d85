/** All commands, in the order in which help lists them. */
import type { Command } from '../command-line/command.ts'
import { backup } from './backup.ts'
import { deleteCommand } from './delete.ts'
import { demo } from './demo.ts'
import { devicesList } from './devices-list.ts'
import { devicesRemove } from './devices-remove.ts'
import { devicesRename } from './devices-rename.ts'
import { freshStart } from './fresh-start.ts'
import { importQryptChat } from './import-qryptchat.ts'
import { keysExport } from './keys-export.ts'
import { keysFromVault } from './keys-from-vault.ts'
import { keysImport } from './keys-import.ts'
import { keysList } from './keys-list.ts'
import { keysToVault } from './keys-to-vault.ts'
import { kitCreate } from './kit-create.ts'
import { kitOpen } from './kit-open.ts'
import { linkAccept } from './link-accept.ts'
import { linkOffer } from './link-offer.ts'
import { log } from './log.ts'
import { login } from './login.ts'
import { pinChange } from './pin-change.ts'
import { realmAcceptRestore } from './realm-accept-restore.ts'
import { recoveryCodeCreate } from './recovery-code-create.ts'
import { recoveryCodeUse } from './recovery-code-use.ts'
import { restore } from './restore.ts'
import { rotate } from './rotate.ts'
import { serve } from './serve.ts'
import { status } from './status.ts'
import { sync } from './sync.ts'
import { vaultDestroy } from './vault-destroy.ts'
import { vaultExport } from './vault-export.ts'
import { vaultImport } from './vault-import.ts'
import { vaultInit } from './vault-init.ts'
import { vaultList } from './vault-list.ts'
import { vaultMigrate } from './vault-migrate.ts'
import { vaultProtectAdd } from './vault-protect-add.ts'
import { vaultProtectList } from './vault-protect-list.ts'
import { vaultProtectRemove } from './vault-protect-remove.ts'
import { vaultProtectReplace } from './vault-protect-replace.ts'
import { verify } from './verify.ts'
import { waysList } from './ways-list.ts'
import { waysRemove } from './ways-remove.ts'

export const COMMANDS: readonly Command[] = [
  login,
  keysImport,
  importQryptChat,
  keysList,
  keysExport,
  keysFromVault,
  keysToVault,
  backup,
  restore,
  sync,
  status,
  verify,
  pinChange,
  rotate,
  linkOffer,
  linkAccept,
  recoveryCodeCreate,
  recoveryCodeUse,
  kitCreate,
  kitOpen,
  waysList,
  waysRemove,
  devicesList,
  devicesRename,
  devicesRemove,
  log,
  freshStart,
  deleteCommand,
  vaultInit,
  vaultProtectList,
  vaultProtectAdd,
  vaultProtectReplace,
  vaultProtectRemove,
  vaultList,
  vaultImport,
  vaultExport,
  vaultMigrate,
  vaultDestroy,
  serve,
  realmAcceptRestore,
  demo,
]
