export { createOrganization, type NewOrganization } from './create.ts'
export {
  findOrganization,
  findOrganizationByHandle,
  type ListedOrganization,
  listOrganizations,
} from './organization.ts'
export { resumeOrganization, suspendOrganization } from './suspend.ts'
