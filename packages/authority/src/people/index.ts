export { findPerson, keysOf, listPeople, type Person, requirePerson } from './person.ts'
