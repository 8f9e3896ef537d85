import type { Ways } from '../app.tsx'
import type { Device } from '../device/device.ts'

/** What most parts of a screen are given. */
export interface ScreenInput {
  readonly device: Device
  readonly ways: Ways
}
