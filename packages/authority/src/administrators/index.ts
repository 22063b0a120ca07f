export { addAdministrator, administratorSteps } from './add.ts'
export { type Administrator, findAdministratorBySecret, listAdministrators } from './administrator.ts'
export { endAdministrator, endWithAttestations } from './end.ts'
export { ensureFirstAdministrator, type SecretPlace } from './first.ts'
