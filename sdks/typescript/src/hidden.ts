/** Node and Deno ask this of a value before they print it; other runtimes never look. */
export const inspected: unique symbol = Symbol.for('nodejs.util.inspect.custom')
