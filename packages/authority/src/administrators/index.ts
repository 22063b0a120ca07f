export { type Administrator, findAdministratorBySecret, installation } from './administrator.ts'
