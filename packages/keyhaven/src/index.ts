/** The error class and its codes; everything else has a folder of its own, such as `keyhaven/sync`. */
export { KeyhavenError, isKeyhavenError } from './errors.ts'
export type {
  KeyhavenErrorCode,
  KeyhavenErrorDetails,
  PasskeyFault,
  PinRefusal,
  RealmFault,
  RealmFaultKind,
} from './errors.ts'
