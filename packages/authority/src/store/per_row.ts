/**
 * `parse`, done once for a row: a store may answer with the same row again and again, and then it is the same object. Whoever
 * gets the result must not change it.
 */
export function oncePerRow<Row extends object, Parsed>(parse: (row: Row) => Parsed): (row: Row) => Parsed {
  const parsed = new WeakMap<Row, Parsed>()
  return (row) => {
    const known = parsed.get(row)
    if (known !== undefined) return known
    const fresh = parse(row)
    parsed.set(row, fresh)
    return fresh
  }
}
