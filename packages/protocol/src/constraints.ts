/**
 * Constraints: bounds on the arguments of a call, in the vocabulary of draft-asor-wimse-agent-delegation-chain-02 section 4.2.
 *
 * Each is a closed object `{key, <type>: value}` (`rank` adds `order`), and (key, type) is unique in a list. A type that is not known
 * here is kept as it is: it subsumes an identical one only, and no action passes it.
 */

import { canonicalize } from './canonical.ts'
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json.ts'
import { refuseAtUse as refuse } from './refusals/at_use.ts'
import { refuse as refuseAtIssue } from './refusals.ts'

type Scalar = string | number | boolean | null

/** `key` names a member of the call's arguments. Closed: no other members. */
export type Constraint =
  | { key: string; max: number }
  | { key: string; min: number }
  | { key: string; one_of: Scalar[] }
  | { key: string; not_one_of: Scalar[] }
  | { key: string; prefix: string }
  /** `order`: from least to most permissive. */
  | { key: string; rank: string; order: string[] }
  /** The sum over all actions of one token. */
  | { key: string; max_lifetime: number }
  /** The sum over a delegation and everything below it. */
  | { key: string; max_subtree: number }
  | ({ key: string } & JsonObject)

type ConstraintType = {
  /** The members it has beside `key` and its own. */
  adds?: string
  wellFormed(constraint: JsonObject): boolean
  /** Whether `parent` admits all that `child` admits; both of this type, on one key. */
  subsumes(parent: JsonObject, child: JsonObject): boolean
  /** Whether an argument passes. A value it cannot compare does not. Absent: it needs a running total, which nobody here holds. */
  admits?(constraint: JsonObject, value: JsonValue): boolean
}

const rules: Readonly<Record<string, ConstraintType>> = {
  max: { ...ceiling('max'), admits: ({ max }, value) => isNumber(max) && isNumber(value) && value <= max },
  min: {
    wellFormed: ({ min }) => isNumber(min),
    subsumes: (parent, child) => isNumber(parent.min) && isNumber(child.min) && child.min >= parent.min,
    admits: ({ min }, value) => isNumber(min) && isNumber(value) && value >= min,
  },
  one_of: {
    wellFormed: ({ one_of }) => isSet(one_of, isScalar),
    subsumes: (parent, child) => includesAll(parent.one_of, child.one_of),
    admits: ({ one_of }, value) => includesAll(one_of, [value]),
  },
  not_one_of: {
    wellFormed: ({ not_one_of }) => isSet(not_one_of, isScalar),
    subsumes: (parent, child) => includesAll(child.not_one_of, parent.not_one_of),
    admits: ({ not_one_of }, value) => isJsonArray(not_one_of) && isScalar(value) && !not_one_of.includes(value),
  },
  prefix: {
    wellFormed: ({ prefix }) => typeof prefix === 'string',
    subsumes: (parent, child) => startsWith(child.prefix, parent.prefix),
    admits: ({ prefix }, value) => startsWith(value, prefix),
  },
  rank: {
    adds: 'order',
    wellFormed: ({ rank, order }) => isSet(order, isString) && order.length >= 2 && order.includes(rank as string),
    subsumes: (parent, child) =>
      canonicalize(parent.order ?? null) === canonicalize(child.order ?? null) && notAbove(parent, child.rank),
    admits: (constraint, value) => notAbove(constraint, value),
  },
  max_lifetime: ceiling('max_lifetime'),
  max_subtree: ceiling('max_subtree'),
}
/** A map, because a type's name comes from outside and an object would find `constructor` in itself. */
const types: ReadonlyMap<string, ConstraintType> = new Map(Object.entries(rules))

const mostConstraints = 64

/** Reads a list of at most 64 constraints. Refuses `malformed`; keeps types it does not know. */
export function parseConstraints(value: JsonValue): Constraint[] {
  if (!isJsonArray(value) || value.length > mostConstraints) {
    refuse('malformed', { detail: `constraints: not an array of at most ${mostConstraints}` })
  }
  const seen = new Set<string>()
  for (const constraint of value) {
    if (!isJsonObject(constraint)) refuse('malformed', { detail: 'constraints: not an object' })
    const name = nameOf(constraint)
    if (seen.has(name)) refuse('malformed', { detail: 'constraints: two of one key and type' })
    seen.add(name)
  }
  return value as Constraint[]
}

/** Whether every call that `child` admits is admitted by `parent`: each of the parent's must be there, no looser. A partial order. */
export function subsumes(parent: readonly Constraint[], child: readonly Constraint[]): boolean {
  const byName = new Map(child.map((constraint) => [nameOf(constraint), constraint as JsonObject]))
  return parent.every((constraint) => {
    const theirs = byName.get(nameOf(constraint))
    if (!theirs) return false
    const type = types.get(typeOf(constraint))
    return type ? type.subsumes(constraint, theirs) : canonicalize(constraint) === canonicalize(theirs)
  })
}

/**
 * Checks a call's arguments. Refuses `unknown_constraint` when any is of a type not known here, else `ceiling_exceeded` for the first
 * that does not hold. An argument that is not stated is not shown to be within its bound, so it refuses too; so does every cumulative
 * constraint. `prefix` compares text as given: who maps paths or URLs to arguments normalises them first.
 */
export function checkConstraints(constraints: readonly Constraint[], args: JsonObject): void {
  for (const constraint of constraints) {
    if (!types.get(typeOf(constraint))) refuse('unknown_constraint', { detail: `constraint on ${keyOf(constraint)}` })
  }
  for (const constraint of constraints) {
    const { key } = constraint
    const value = Object.hasOwn(args, key) ? args[key] : undefined
    if (value === undefined || !types.get(typeOf(constraint))?.admits?.(constraint, value)) {
      refuse('ceiling_exceeded', { detail: `${typeOf(constraint)} on ${keyOf(constraint)}` })
    }
  }
}

/** Whether it bounds a sum over several actions, which takes a running total to check. */
export function isCumulative(constraint: Constraint): boolean {
  const type = types.get(typeOf(constraint))
  return type !== undefined && type.admits === undefined
}

/** Refuses `cumulative_unsupported` when any constraint is cumulative. For whoever issues: nobody holds the totals yet. */
export function refuseCumulative(constraints: readonly Constraint[]): void {
  const first = constraints.find(isCumulative)
  if (first) refuseAtIssue('cumulative_unsupported', { detail: `${typeOf(first)} on ${keyOf(first)}` })
}

/** The type's name: the one member beside `key` and what that type adds. Refuses `malformed` an object that is not closed. */
function typeOf(constraint: JsonObject): string {
  const members = Object.keys(constraint).filter((member) => member !== 'key')
  const known = members.filter((member) => types.has(member))
  const [name] = known.length > 0 ? known : members
  const type = name === undefined ? undefined : types.get(name)
  const closed = members.every((member) => member === name || member === type?.adds)
  if (name === undefined || !closed) refuse('malformed', { detail: 'constraint: not one typed value' })
  return name
}

/** Identifies a constraint in a list, after checking its shape. */
function nameOf(constraint: JsonObject): string {
  const { key } = constraint
  if (typeof key !== 'string' || key === '' || key.length > 256) refuse('malformed', { detail: 'constraint: no key' })
  const name = typeOf(constraint)
  const type = types.get(name)
  if (type && !type.wellFormed(constraint)) refuse('malformed', { detail: `constraint: ${name} is not valid` })
  return JSON.stringify([key, name])
}

/** A key as a refusal may show it: it was signed, but by others. */
function keyOf({ key }: JsonObject): string {
  return typeof key === 'string' && /^[\w.-]{1,64}$/.test(key) ? key : 'an argument'
}

function ceiling(member: string): ConstraintType {
  return {
    wellFormed: (constraint) => isNumber(constraint[member]),
    subsumes: ({ [member]: parent }, { [member]: child }) => isNumber(parent) && isNumber(child) && child <= parent,
  }
}

function isNumber(value: JsonValue | undefined): value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return false
  // Past this a number stands for several integers (RFC 8785 numbers are binary64).
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER
}

function isString(value: JsonValue): value is string {
  return typeof value === 'string'
}

function isScalar(value: JsonValue): value is Scalar {
  return value === null || isNumber(value) || typeof value === 'string' || typeof value === 'boolean'
}

/** Members are told apart by JSON type and value: `1`, `"1"` and `true` are three. */
function isSet<T extends JsonValue>(
  value: JsonValue | undefined,
  is: (value: JsonValue) => value is T,
): value is readonly T[] {
  return isJsonArray(value) && value.length > 0 && value.every(is) && new Set(value).size === value.length
}

function includesAll(all: JsonValue | undefined, some: JsonValue | undefined): boolean {
  if (!isJsonArray(all) || !isJsonArray(some)) return false
  const known = new Set(all)
  return some.every((value) => isScalar(value) && known.has(value))
}

function startsWith(value: JsonValue | undefined, prefix: JsonValue | undefined): boolean {
  return typeof value === 'string' && typeof prefix === 'string' && value.startsWith(prefix)
}

function notAbove({ rank, order }: JsonObject, value: JsonValue | undefined): boolean {
  if (!isJsonArray(order) || typeof value !== 'string' || typeof rank !== 'string') return false
  const place = order.indexOf(value)
  return place >= 0 && place <= order.indexOf(rank)
}
