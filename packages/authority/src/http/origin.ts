import { refuse } from '@credence/protocol'
import type { Config } from '../config.ts'
import type { HttpRequest } from './request.ts'

/** RFC 9110 §7.2: a host and a port, and nothing that could be read as more of a URL. */
const hostForm = /^(?:[\w.~%!$&'()*+;=-]*|\[[\da-f:.]+\])(?::\d{0,5})?$/i

const changesNothing: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Keeps out pages that a browser shows.
 *
 * A page can point a host name of its own at this machine (DNS rebinding) and then reads what it asks for: where the authority
 * listens on this machine only, it answers to its own name and to those of this machine. And no page has business here yet, so that
 * whatever would change something and comes from one is refused everywhere.
 *
 * Refuses `host_unknown`, `origin_foreign`, and `malformed` when several hosts are named.
 */
export function requireOwnOrigin(
  request: Pick<HttpRequest, 'method' | 'host' | 'headers'>,
  { host, origin }: Pick<Config, 'host' | 'origin'>,
): void {
  const named = request.headers.get('host')
  // RFC 9112 §3.2: with more than one it is no request, since two readers would choose differently.
  if (named?.includes(',')) refuse('malformed', { detail: 'There is more than one Host.' })
  if (isLoopback(host) && !hostsOf(request, named).every((each) => isOwnHost(each, origin))) refuse('host_unknown')
  if (named !== null && !hostForm.test(named)) refuse('malformed', { detail: 'The Host is not one.' })
  const from = request.headers.get('origin')
  if (from !== null && from !== origin && !changesNothing.has(request.method)) refuse('origin_foreign')
}

/** RFC 9112 §3.2.2: a target that is a whole URL names a host too, and before the header. */
function hostsOf({ host }: Pick<HttpRequest, 'host'>, named: string | null): Array<string | null> {
  return host === undefined || host === named ? [named] : [host, named]
}

function isOwnHost(named: string | null, origin: string): boolean {
  if (origin === `http://${named}` || origin === `https://${named}`) return true
  const url = URL.parse(`http://${named ?? ''}`)
  if (!url) return false
  return url.hostname === new URL(origin).hostname || isLoopback(url.hostname) || url.hostname.endsWith('.localhost')
}

/** Whether a host name, or an address to listen on, is this machine's own. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
