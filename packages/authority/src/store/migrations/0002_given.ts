import type { Migration } from './migration.ts'

/**
 * What a principal has given to one delegate, found without walking through all that it has given to others: an organization gives to
 * thousands of agents, and thousands of people give to one.
 */
export const given: Migration = {
  version: 2,
  name: 'given',
  statements: (db) => [
    db.schema
      .createIndex('delegations_given')
      .on('delegations')
      .columns(['organization', 'principal', 'delegate', 'id']),
  ],
}
