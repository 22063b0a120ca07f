/** The audit log: what is recorded with each command, how records get their places, and how they are read back. */
export { type PlacedRecord, proveRecord, type RecordFilter, readHead, readRecords } from './log.ts'
export { type LeafContent, record } from './record.ts'
export { RefusalCounter } from './refusal_counter.ts'
export { sequence, sequenceAll } from './sequencer.ts'
