import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'

// https://sqlite.org/fileformat2.html, sections 1.3 (the header of the file) and 4 (the write-ahead log).

const headerBytes = 100
const logHeaderBytes = 32
const frameHeaderBytes = 24

/**
 * Throws when the database file is shorter than it says it is, and its write-ahead log does not have what is missing, as it has
 * after a crash in the middle of copying. SQLite would take the rest of a page that is there in part for zeros.
 *
 * Called before SQLite opens the file: closing it here would drop the locks that this process holds on it.
 */
export function requireWhole(file: string): void {
  const { pages, pageBytes, bytes } = shapeOf(file)
  const whole = Math.floor(bytes / pageBytes)
  if (whole >= pages) return
  const logged = pagesInLog(`${file}-wal`, pageBytes)
  for (let page = whole + 1; page <= pages; page++) {
    if (!logged.has(page)) throw new Error(`it ends after ${bytes} bytes, in the middle of what it held`)
  }
}

/** Of a file that is none of SQLite's, or new: no pages. What else is wrong with it, SQLite says. */
function shapeOf(file: string): { pages: number; pageBytes: number; bytes: number } {
  return reading(file, (descriptor) => {
    const header = Buffer.alloc(headerBytes)
    const bytes = fstatSync(descriptor).size
    readSync(descriptor, header, 0, headerBytes, 0)
    // The number of pages counts when the change counter is the one it was written with (§1.3.7).
    const counts =
      header.toString('latin1', 0, 15) === 'SQLite format 3' && header.readUInt32BE(24) === header.readUInt32BE(92)
    const pageBytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16) || 1
    return { pages: counts ? header.readUInt32BE(28) : 0, pageBytes, bytes }
  })
}

function pagesInLog(log: string, pageBytes: number): Set<number> {
  const pages = new Set<number>()
  if (statSync(log, { throwIfNoEntry: false }) === undefined) return pages
  return reading(log, (descriptor) => {
    const header = Buffer.alloc(logHeaderBytes)
    const frame = Buffer.alloc(frameHeaderBytes)
    const { size } = fstatSync(descriptor)
    readSync(descriptor, header, 0, logHeaderBytes, 0)
    for (let at = logHeaderBytes; at + frameHeaderBytes + pageBytes <= size; at += frameHeaderBytes + pageBytes) {
      readSync(descriptor, frame, 0, frameHeaderBytes, at)
      // A frame of an earlier round of the log has another salt.
      if (frame.compare(header, 16, 24, 8, 16) === 0) pages.add(frame.readUInt32BE(0))
    }
    return pages
  })
}

function reading<T>(path: string, read: (descriptor: number) => T): T {
  const descriptor = openSync(path, 'r')
  try {
    return read(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
