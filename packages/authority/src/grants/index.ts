export type { Drawn, Grant, TokenForm, TokenRequest } from './grant.ts'
export { type Granted, issue } from './issue.ts'
export { recordRefusal } from './record_refusal.ts'
export { grantFor, grantTypes } from './table.ts'
