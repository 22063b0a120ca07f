const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])$/

/** Whether nobody in between reads what goes to this scheme and host: https, or http that cannot leave the machine. */
export function isSafeAt(scheme: string, host: string): boolean {
  return scheme === 'https' || (scheme === 'http' && LOOPBACK.test(host))
}

/**
 * Whether secrets and tokens may be sent to a URL, and keys taken from it: https, or plain http on `localhost`, `127.0.0.1` or
 * `[::1]`, and no user in it. The one rule for issuers, audiences and whatever a client connects to.
 */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  return username === '' && password === '' && isSafeAt(protocol.slice(0, -1), hostname)
}
