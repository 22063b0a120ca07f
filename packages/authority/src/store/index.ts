export type {
  AuditRecord,
  Command,
  GlobalReads,
  Lineage,
  Order,
  OrganizationReads,
  Outcome,
  RowOfOrganization,
  Step,
  Store,
  StoredFact,
  WritableTable,
} from './port.ts'
export type { RowOf, TableName, Tables } from './tables.ts'
