export { findOrganization, findOrganizationByHandle, listOrganizations } from './organization.ts'
