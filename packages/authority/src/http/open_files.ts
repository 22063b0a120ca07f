/** What is open besides connections: the store's files and its connections, threads, the log, room for those yet to be opened. */
const others = 80
/** However few files may be open: that many connections are worth trying. */
const fewest = 16

/**
 * How many of so many connections this process can hold, by the number of files that it may have open: above that, the system
 * itself turns everybody away, whoever comes, instead of the one that is needed least.
 */
export function connectionsPossible(wanted: number): number {
  return Math.min(wanted, Math.max(fewest, openFiles() - others))
}

function openFiles(): number {
  const writer: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report
  // Not on the network: it would look up the names of all peers.
  writer.excludeNetwork = true
  // On Windows there is no such limit.
  const report = writer.getReport() as { userLimits?: { open_files: { soft: number | 'unlimited' } } }
  const soft = report.userLimits?.open_files.soft
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}
