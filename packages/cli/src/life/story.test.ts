import { expect, test } from 'vitest'
import { duration, storyTo } from './story.ts'

function told(columns: number): { text: () => string; story: ReturnType<typeof storyTo> } {
  const parts: string[] = []
  return { text: () => parts.join(''), story: storyTo((more) => void parts.push(more), { colour: false, columns }) }
}

test('a remark stands beside where there is room, and below where there is not', async () => {
  for (const [columns, lines] of [
    [120, 1],
    [80, 2],
  ] as const) {
    const { text, story } = told(columns)
    await story.step(
      'a step',
      async () => 1,
      () => ({ says: 'done', aside: 'x'.repeat(40) }),
    )
    expect(text().trimEnd().split('\n')).toHaveLength(lines)
  }
})

test('a step that fails is marked and ends the story', async () => {
  const { text, story } = told(120)
  const failing = story.step(
    'a step',
    () => Promise.reject(new Error('no')),
    () => ({ says: '' }),
  )
  await expect(failing).rejects.toThrow('no')
  expect(text()).toContain('✗')
})

test('durations have three digits at most', () => {
  expect([0.0004, 0.35, 0.9996, 2.34, 9.96, 123.4, 1_234].map(duration)).toEqual([
    '0 µs',
    '350 µs',
    '1.0 ms',
    '2.3 ms',
    '10 ms',
    '123 ms',
    '1.2 s',
  ])
})
