export { changePerson, type PersonChange } from './change.ts'
export { enrolKey, type NewKey } from './enrol_key.ts'
export { findPerson, keysOf, type ListedPerson, listPeople, type Person, requirePerson } from './person.ts'
export { type NewPerson, registerPerson } from './register.ts'
