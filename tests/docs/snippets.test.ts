// Every ```ts block of the documentation is compiled. A page's blocks are one program, in their order; a block marked
// `ts alternative` is compiled after those before it, and is not part of what follows.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

const guides = readdirSync(join(root, 'docs/guides')).map((name) => `docs/guides/${name}`)
const pages = ['README.md', 'sdks/typescript/README.md', ...guides].filter(
  (page) => page.endsWith('.md') && existsSync(join(root, page)),
)

/** The programs of one page. */
function programsOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  let before = ''
  const programs: string[] = []
  for (const [, mark = '', code = ''] of text.matchAll(/^```ts( alternative)?\n(.*?)^```$/gms)) {
    if (mark === '') before += code
    else programs.push(before + code)
  }
  return before === '' ? programs : [before, ...programs]
}

test('every snippet of the documentation compiles', () => {
  // Below `dist`, which nothing else looks into, and inside the repository, so that its packages are found.
  mkdirSync(join(root, 'dist'), { recursive: true })
  const directory = mkdtempSync(join(root, 'dist/snippets-'))
  try {
    const files = pages.flatMap((page) =>
      programsOf(page).map((program, place) => {
        const name = `${page.replaceAll(/\W/g, '_')}_${place}.ts`
        writeFileSync(join(directory, name), `${program}\nexport {}\n`)
        return name
      }),
    )
    expect(files.length).toBeGreaterThan(5)
    const configuration = { extends: '../../tsconfig.json', files, include: [], exclude: [] }
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(configuration))
    const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '--project', directory]
    const { status, stdout, stderr } = spawnSync(process.execPath, tsc, { cwd: root, encoding: 'utf8' })
    expect(status, `${stdout}${stderr}`).toBe(0)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
