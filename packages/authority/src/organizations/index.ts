export { createOrganization, type NewOrganization } from './create.ts'
export { findOrganizationByHandle, listOrganizations } from './organization.ts'
