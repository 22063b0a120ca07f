export {
  findResource,
  findResourceById,
  listResources,
  operatesAny,
  ownAudience,
  ownScopes,
  type Resource,
  type Tool,
  type WhenStale,
} from './resource.ts'
