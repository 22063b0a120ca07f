export { createOrganization, type NewOrganization } from './create.ts'
export { findOrganization, findOrganizationByHandle, listOrganizations } from './organization.ts'
