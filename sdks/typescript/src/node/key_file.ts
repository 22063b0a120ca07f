import { open } from 'node:fs/promises'
import { isJsonObject, parseJson, refuse } from '@credence/protocol'
import { AgentKey, privateJwkOf } from '../agent/key.ts'

const longest = 16_384

/**
 * Writes a key made with `savable: true` to a new file that only its owner may read (mode 0600). Never overwrites.
 *
 * @throws Refusal `key_not_savable`; the file system's error when the file exists or cannot be written
 */
export async function saveKey(key: AgentKey, file: string): Promise<void> {
  const privateJwk = privateJwkOf(key) ?? refuse('key_not_savable')
  const handle = await open(file, 'wx', 0o600)
  try {
    // The process's umask may have taken rights away, never given any; this is so that the owner can read it.
    await handle.chmod(0o600)
    await handle.writeFile(`${JSON.stringify(privateJwk)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Reads a key from a file that `saveKey`, or anyone who writes JWKs, has written. From here on it cannot be got out again.
 *
 * @throws Refusal `key_file_unsafe` when others may read the file, `key_unusable`
 */
export async function loadKey(file: string): Promise<AgentKey> {
  const handle = await open(file, 'r')
  try {
    // Of the open file, not of its name, which may point elsewhere a moment later.
    const { mode, size } = await handle.stat()
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) refuse('key_file_unsafe', { detail: file })
    if (size > longest) refuse('key_unusable', { detail: 'The file is too large.' })
    const jwk = parseJson(await handle.readFile('utf8'))
    return await AgentKey.fromJwk(isJsonObject(jwk) ? jwk : refuse('key_unusable'))
  } finally {
    await handle.close()
  }
}
