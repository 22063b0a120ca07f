export { changeResource, type ResourceChange } from './change.ts'
export { type NewResource, type ResourceWords, registerResource } from './register.ts'
export {
  findResource,
  findResourceById,
  listResources,
  operatesAny,
  operatorsOf,
  ownAudience,
  ownScopes,
  type Resource,
  type Tool,
} from './resource.ts'
