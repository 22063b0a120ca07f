export { addAdministrator, administratorSteps } from './add.ts'
export { type Administrator, findAdministratorBySecret, listAdministrators } from './administrator.ts'
export { endAdministrator, endWithAttestations } from './end.ts'
export { ensureFirstAdministrator, keepWaiting, type SecretPlace } from './first.ts'
