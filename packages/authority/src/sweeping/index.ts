/** What must be done from time to time: expiry, log order, key rotation, counted refusals. */
export { startSweeping } from './sweeping.ts'
