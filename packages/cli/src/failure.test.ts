import { refuse } from '@credence/protocol'
import { CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { explain, Failure, render } from './failure.ts'

function thrown(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

test('a refusal keeps its code, its public sentence and its hint, and nothing of its private cause', () => {
  const error = thrown(() => refuse('not_narrower', { detail: 'It would widen scope.', cause: new Error('private') }))
  const explained = explain(error)
  expect(explained).toMatchObject({ code: 'not_narrower', exit: 1 })
  expect(explained.message).toContain('It would widen scope.')
  expect(explained.hint).toBeTruthy()
  expect(JSON.stringify(explained)).not.toContain('private')
})

test('words that are off give 2, and the guess that commander makes', () => {
  const explained = explain(
    new CommanderError(1, 'commander.unknownCommand', "error: unknown command 'lst'\n(Did you mean list?)"),
  )
  expect(explained).toEqual({
    code: 'usage',
    message: "Unknown command 'lst'.",
    hint: 'Did you mean list? Add --help to see what the command takes.',
    exit: 2,
  })
})

test('a fault of our own is one line, never a stack', () => {
  const text = render(explain(new TypeError('undefined is not a function')), false)
  expect(text).toMatch(/^credence: Undefined is not a function\. \(internal_error\)\n {2}.*CREDENCE_CLI_DEBUG=1.*\n$/)
})

test('what an authority answers cannot draw on the terminal', () => {
  const text = render(explain(new Failure('x\u001b[2J', 'says\u202e', 'hint\r')), false)
  expect(text).toBe('credence: says\\u202e (x\\u001b[2J)\n  hint\\u000d\n')
})

test('with --json the error is JSON, without its exit code', () => {
  expect(JSON.parse(render(explain(new Failure('a', 'B.', 'C.')), true))).toEqual({
    error: { code: 'a', message: 'B.', hint: 'C.' },
  })
})
