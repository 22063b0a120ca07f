import { type CreateTableBuilder, type RawBuilder, sql } from 'kysely'
import type { Builder, EngineName } from '../engine.ts'
import { type Kind, type Table, tables } from './0001_tables.ts'
import type { Migration } from './migration.ts'

export const first: Migration = {
  version: 1,
  name: 'first',
  statements: (db, engine) => [
    ...Object.entries(tables).map(([name, table]) => createTable(db, engine, name, table)),
    auditRecords(db, engine),
    ...Object.entries(tables).flatMap(([name, { unique }]) =>
      Object.entries(unique ?? {}).map(([index, columns]) =>
        db.schema.createIndex(index).unique().on(name).columns(columns),
      ),
    ),
    db.schema.createIndex('audit_records_id').unique().on('audit_records').columns(['organization', 'id']),
    db.schema
      .createIndex('audit_records_position')
      .unique()
      .on('audit_records')
      .columns(['organization', 'position'])
      .where(sql.ref('position'), 'is not', null),
    db.schema
      .createIndex('audit_records_unplaced')
      .on('audit_records')
      .columns(['organization', 'arrival'])
      .where(sql.ref('position'), 'is', null),
    db.schema.createIndex('agents_owner').on('agents').columns(['organization', 'owner', 'id']),
    db.schema.createIndex('instances_agent').on('instances').columns(['organization', 'agent', 'id']),
    db.schema.createIndex('credentials_holder').on('credentials').columns(['organization', 'holder', 'id']),
    db.schema
      .createIndex('resources_operator')
      .on('resources')
      .columns(['organization', 'operator', 'id'])
      .where(sql.ref('operator'), 'is not', null),
    db.schema.createIndex('delegations_principal').on('delegations').columns(['organization', 'principal', 'id']),
    db.schema.createIndex('delegations_delegator').on('delegations').columns(['organization', 'delegator', 'id']),
    db.schema.createIndex('delegations_delegate').on('delegations').columns(['organization', 'delegate', 'id']),
    db.schema
      .createIndex('delegations_attested_by')
      .on('delegations')
      .columns(['organization', 'attested_by', 'id'])
      .where(sql.ref('attested_by'), 'is not', null),
    db.schema
      .createIndex('delegations_parent')
      .on('delegations')
      .columns(['organization', 'parent_hash', 'id'])
      .where(sql.ref('parent_hash'), 'is not', null),
    db.schema.createIndex('facts_of').on('facts').columns(['organization', 'id', 'seq']),
    db.schema.createIndex('facts_forget').on('facts').column('forget_after'),
    db.schema.createIndex('replay_ids_expiry').on('replay_ids').column('expires_at'),
    db.schema
      .createTable('pulse')
      .addColumn('id', type('integer', engine), (column) => column.primaryKey())
      .addColumn('beats', type('integer', engine), (column) => column.notNull()),
    db.insertInto('pulse').values({ id: sql.lit(1), beats: sql.lit(0) }),
  ],
}

function createTable(db: Builder, engine: EngineName, name: string, { columns, key, inKeyTree }: Table) {
  const table = withColumns(db.schema.createTable(name), columns, engine)
  const keyed = table.addPrimaryKeyConstraint(`${name}_key`, key as never)
  return engine === 'sqlite' ? keyed.modifyEnd(inKeyTree ? sql`without rowid, strict` : sql`strict`) : keyed
}

/** In order of arrival, by a number that is never reused; everything else about a record is found through its indexes. */
function auditRecords(db: Builder, engine: EngineName) {
  const arrival = db.schema.createTable('audit_records').addColumn('arrival', type('integer', engine), (column) => {
    const key = column.primaryKey()
    return engine === 'sqlite' ? key : key.generatedAlwaysAsIdentity()
  })
  const columns: Record<string, Kind> = {
    organization: 'text',
    id: 'text',
    leaf: 'bytes',
    leaf_hash: 'bytes',
    at_ms: 'integer',
    position: 'integer?',
  }
  const table = withColumns(arrival, columns, engine)
  return engine === 'sqlite' ? table.modifyEnd(sql`strict`) : table
}

function withColumns<C extends string>(
  table: CreateTableBuilder<string, C>,
  columns: Record<string, Kind>,
  engine: EngineName,
) {
  let wider = table
  for (const [name, kind] of Object.entries(columns)) {
    wider = wider.addColumn(name as C, type(kind, engine), (column) => (kind.endsWith('?') ? column : column.notNull()))
  }
  return wider
}

/** Text is ordered by its bytes on both, so that paging is the same on both. */
function type(kind: Kind, engine: EngineName): RawBuilder<unknown> {
  if (kind.startsWith('text')) return engine === 'sqlite' ? sql`text` : sql`text collate "C"`
  if (kind.startsWith('integer')) return engine === 'sqlite' ? sql`integer` : sql`bigint`
  return engine === 'sqlite' ? sql`blob` : sql`bytea`
}
