export { type Decision, decide, type Question } from './decide.ts'
export { granted, narrow } from './narrow.ts'
