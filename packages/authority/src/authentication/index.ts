export { authenticateClient } from './authenticate.ts'
export type { AuthenticationForm, Client } from './client.ts'
export { assertionAlgorithms } from './private_key_jwt.ts'
export { wayNames } from './ways.ts'
