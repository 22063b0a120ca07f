/** The audit log: what is recorded with each command, how records get their places, and how they are read back. */
export { type LeafContent, record } from './record.ts'
export { RefusalCounter } from './refusal_counter.ts'
