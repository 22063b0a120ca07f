/** Makes values of a class print as their `toString`, also where Node and Deno would look into them. */
export function printAsText(prototype: object): void {
  const inspected = Symbol.for('nodejs.util.inspect.custom')
  Object.defineProperty(prototype, inspected, {
    value(this: object) {
      return `${this}`
    },
  })
}
