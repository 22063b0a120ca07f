// Guards the import rule (ARCHITECTURE.md): which package may import which, and inside the authority which folder may import which.
// The rule is the two tables below; the rest reads files. Test files are free inside their package.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * `may`: our own packages that it may import. `node`: which of its files may import Node's modules.
 * @type {Record<string, { may: string[], node: RegExp }>}
 */
const packages = {
  'packages/protocol': { may: [], node: /^$/ },
  'packages/authority': { may: ['@credence/protocol'], node: /./ },
  'packages/cli': { may: ['@credence/authority', '@credence/sdk', '@credence/protocol'], node: /./ },
  'sdks/typescript': { may: ['@credence/protocol'], node: /^(node|express)[./]/ },
}

/**
 * The authority from the outside in. A file belongs to the first row that matches its path below src; `may` names rows.
 * `door`: from outside the folder, only its index.ts may be imported.
 * @type {{ row: string, match: RegExp, may: string[], door?: boolean }[]}
 */
const authority = [
  {
    row: 'main',
    match: /^(main|start)\.ts$/,
    may: ['main', 'app', 'driver', 'authentication', 'domain', 'services', 'config', 'shared', 'store'],
  },
  { row: 'index', match: /^index\.ts$/, may: ['main', 'app', 'domain', 'services', 'config', 'shared', 'store'] },
  {
    row: 'app',
    match: /^app\.ts$/,
    may: ['endpoints', 'authentication', 'domain', 'services', 'config', 'shared', 'store'],
  },
  { row: 'config', match: /^config[./]/, may: ['config', 'shared'] },
  { row: 'services', match: /^services\.ts$/, may: ['domain', 'config', 'shared', 'store'] },
  {
    row: 'endpoints',
    match: /^endpoints\//,
    may: ['endpoints', 'grants', 'authentication', 'domain', 'services', 'config', 'shared', 'store'],
  },
  {
    row: 'grants',
    match: /^grants\//,
    may: ['grants', 'authentication', 'domain', 'services', 'config', 'shared', 'store'],
    door: true,
  },
  {
    row: 'authentication',
    match: /^authentication\//,
    may: ['authentication', 'domain', 'services', 'config', 'shared', 'store'],
    door: true,
  },
  { row: 'driver', match: /^store\/(sqlite|postgres)[./_]/, may: ['driver', 'shared', 'store'] },
  { row: 'store', match: /^store\//, may: ['store'] },
  { row: 'shared', match: /^(http|telemetry)\//, may: ['shared', 'services', 'config', 'store'] },
  { row: 'domain', match: /\//, may: ['domain', 'services', 'config', 'shared', 'store'], door: true },
]

/** @type {Record<string, string>} What to do instead, by the row that was imported. */
const instead = {
  main: 'Take what you need as an argument; only the package index starts the authority.',
  app: 'Take what you need as an argument; only main and the package index know the app.',
  driver: 'Import the port (store/port.ts); only main chooses a driver.',
  endpoints: 'Only app.ts imports endpoints. Move what is shared into the domain folder it is about.',
  grants: 'Only endpoints import grants. Move what is shared into the domain folder it is about.',
  authentication: 'Let the endpoint authenticate, and take the result as an argument.',
  config: 'Take the setting as an argument.',
  services: 'Take what you need as an argument.',
  domain:
    'The store and the shared folders know nothing of the domain. Turn the dependency around: pass a value or a function.',
  shared: 'Take what you need as an argument.',
  index: 'Import the file that defines it; the package index is for other packages.',
}

const isTest = (/** @type {string} */ path) => /(\.test|(^|\/)contract)\.ts$|(^|\/)(test|fixtures)\//.test(path)

/** @typedef {{ file: string, line: number, problem: string, instead: string }} Violation */
/** @typedef {{ specifier: string, line: number, typeOnly: boolean }} Import */

/**
 * @param {string} root of the repository
 * @returns {Violation[]}
 */
export function checkImports(root) {
  return Object.keys(packages).flatMap((path) =>
    existsSync(join(root, path, 'package.json')) ? checkPackage(root, path) : [],
  )
}

/**
 * @param {string} root
 * @param {string} path
 * @returns {Violation[]}
 */
function checkPackage(root, path) {
  const rule = packages[path]
  const manifest = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'))
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }
  const source = join(root, path, 'src')
  /** @type {Violation[]} */
  const violations = []
  /** @type {Edge[]} */
  const edges = []

  for (const file of sourceFiles(source)) {
    const inside = relative(source, file).split(sep).join('/')
    const shown = posix.join(path, 'src', inside)
    for (const { specifier, line, typeOnly } of importsOf(readFileSync(file, 'utf8'))) {
      const report = (/** @type {string} */ problem, /** @type {string} */ instead) =>
        violations.push({ file: shown, line, problem, instead })

      if (specifier.startsWith('.')) {
        const target = posix.join(posix.dirname(inside), specifier)
        if (target.startsWith('..')) {
          // A package's own manifest is its own; anything else outside src is not shipped or is another package's.
          if (specifier.endsWith('.ts') && !isTest(inside))
            report(`imports ${specifier}, outside its package's source`, 'Import another package by its name.')
        } else if (path === 'packages/authority' && !isTest(inside)) {
          const found = checkFolders(inside, target)
          if (found) report(`(${rowOf(inside)?.row}) imports ${target}${found.problem}`, found.instead)
          if (!typeOnly) edges.push({ from: folderOf(inside), to: folderOf(target), file: shown, line })
        }
        continue
      }
      const name = specifier.startsWith('@') ? specifier.split('/', 2).join('/') : (specifier.split('/')[0] ?? '')
      if (specifier.startsWith('node:') || builtinModules.includes(name)) {
        if (!rule?.node.test(inside) && !isTest(inside)) {
          report(
            `imports ${specifier}, but must run where there is no Node`,
            'Use what every runtime has (WebCrypto, TextEncoder, URL), or take it as an argument.',
          )
        }
      } else if (name === manifest.name) {
        if (!isTest(inside)) report(`imports its own package, ${specifier}`, 'Import the file by a relative path.')
      } else if (name.startsWith('@credence/') && !rule?.may.includes(name)) {
        const allowed = rule?.may.length ? `only ${rule.may.join(', ')}` : 'no other package of ours'
        report(
          `imports ${specifier}; ${path} may import ${allowed}`,
          'Move what is shared down into @credence/protocol, or take it as an argument.',
        )
      } else if (!(name in declared) && !isTest(inside)) {
        report(
          `imports ${specifier}, which ${path}/package.json does not declare`,
          'Declare it as a dependency (or an optional peer), so that it is there when the package is installed.',
        )
      }
    }
  }
  return [...violations, ...cycles(edges)]
}

/**
 * @param {string} from
 * @param {string} to
 */
function checkFolders(from, to) {
  const [here, there] = [rowOf(from), rowOf(to)]
  if (!here || !there) return undefined
  if (!here.may.includes(there.row))
    return { problem: ` (${there.row})`, instead: instead[there.row] ?? 'Turn the dependency around.' }
  const [folder] = to.split('/')
  if (there.door && folder !== from.split('/')[0] && to !== `${folder}/index.ts`) {
    return {
      problem: ', past its index.ts',
      instead: `Export it from ${folder}/index.ts and import that, if others should know it at all.`,
    }
  }
  return undefined
}

const rowOf = (/** @type {string} */ path) => authority.find(({ match }) => match.test(path))

/** A file at the top stands for itself; a driver is a folder of its own. */
function folderOf(/** @type {string} */ path) {
  const driver = /^store\/(sqlite|postgres)/.exec(path)
  return driver ? driver[0] : (path.split('/')[0] ?? path)
}

/** @typedef {{ from: string, to: string, file: string, line: number }} Edge */

/**
 * One violation for each circle of folders. Types are erased, so a circle of types is none.
 * @param {Edge[]} edges
 * @returns {Violation[]}
 */
function cycles(edges) {
  /** @type {Map<string, Map<string, Edge>>} */
  const graph = new Map()
  for (const edge of edges) {
    if (edge.from === edge.to) continue
    const targets = graph.get(edge.from) ?? new Map()
    if (!targets.has(edge.to)) targets.set(edge.to, edge)
    graph.set(edge.from, targets)
  }
  /** @type {Violation[]} */
  const found = []
  const done = new Set()
  /** @type {(folder: string, trail: Edge[]) => void} */
  const visit = (folder, trail) => {
    if (done.has(folder)) return
    for (const edge of graph.get(folder)?.values() ?? []) {
      const start = edge.to === folder ? trail.length : trail.findIndex(({ from }) => from === edge.to)
      if (start === -1) visit(edge.to, [...trail, edge])
      else {
        const circle = [...trail.slice(start), edge]
        const problem = `closes a circle of folders: ${circle.map(({ from }) => from).join(' -> ')} -> ${edge.to}`
        const others = circle.slice(0, -1).map(({ file, line }) => `${file}:${line}`)
        const instead = `Break it where it reads most naturally (the others: ${others.join(', ')}): pass a value, or move the shared part down.`
        found.push({ file: edge.file, line: edge.line, problem, instead })
      }
    }
    done.add(folder)
  }
  for (const folder of graph.keys()) visit(folder, [])
  return found
}

/**
 * The formatter puts every static import at the start of a line, which is what makes this readable by a pattern.
 * A file handed to `new URL(…, import.meta.url)` (a worker) is an import too.
 * @param {string} text
 * @returns {Import[]}
 */
export function importsOf(text) {
  const patterns = [
    /^(?:import|export)\s+(?<type>type\s+)?(?:[\w$*{][^'"`;]*?\s)?from\s*['"](?<specifier>[^'"]+)['"]/gm,
    /^import\s*['"](?<specifier>[^'"]+)['"]/gm,
    /\bimport\(\s*['"](?<specifier>[^'"]+)['"]/g,
    /\bnew URL\(\s*['"](?<specifier>\.[^'"]+\.ts)['"]\s*,\s*import\.meta\.url/g,
  ]
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap((match) => {
      const before = text.slice(0, match.index)
      const lineStart = text.slice(before.lastIndexOf('\n') + 1, match.index)
      if (/^\s*(\*|\/\/|\/\*)/.test(lineStart)) return []
      const { specifier = '', type } = match.groups ?? {}
      return [{ specifier, line: before.split('\n').length, typeOnly: type !== undefined }]
    }),
  )
}

/**
 * @param {string} directory
 * @returns {string[]}
 */
function sourceFiles(directory) {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(directory, entry.name)
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourceFiles(path)
      return entry.name.endsWith('.ts') ? [path] : []
    })
    .sort()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const violations = checkImports(resolve(dirname(fileURLToPath(import.meta.url)), '..'))
  for (const { file, line, problem, instead } of violations)
    console.error(`${file}:${line}  ${problem}.\n    ${instead}`)
  if (violations.length > 0) process.exitCode = 1
}
