/** One server-sent event. */
export type ServerEvent = { event: string; data: string; id: string }

/**
 * Reads an event stream (WHATWG HTML §9.2.6), one event at a time.
 *
 * @param onBytes told of every chunk, comments included: the sign that the connection is alive
 * @throws Error when an event grows past `maxEventBytes` (counted in characters)
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  options: { maxEventBytes: number; onBytes?: () => void },
): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest = ''
  let lastId = ''
  let event = ''
  let data: string[] = []
  let size = 0
  let isHalfEnd = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      options.onBytes?.()
      const text = decoder.decode(value, { stream: true })
      // A CR ends a line at once; the LF of a CRLF that was cut in two ends nothing more.
      const added = isHalfEnd && text.startsWith('\n') ? text.slice(1) : text
      if (text !== '') isHalfEnd = text.endsWith('\r')
      // Only what is new is looked through, so that a line that comes a byte at a time costs no more than one that comes whole.
      const lines = added.split(/\r\n|\n|\r/)
      lines[0] = rest + (lines[0] ?? '')
      rest = lines.pop() ?? ''
      if (rest.length > options.maxEventBytes) throw new Error('an event that is too large')
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { event: event || 'message', data: data.join('\n'), id: lastId }
          event = ''
          data = []
          size = 0
          continue
        }
        size += line.length
        if (size > options.maxEventBytes) throw new Error('an event that is too large')
        const [name, text] = field(line)
        if (name === 'event') event = text
        else if (name === 'data') data.push(text)
        else if (name === 'id' && !text.includes('\0')) lastId = text
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** A line that begins with a colon is a comment: its field has no name. */
function field(line: string): [name: string, text: string] {
  const colon = line.indexOf(':')
  if (colon < 0) return [line, '']
  const text = line.slice(colon + 1)
  return [line.slice(0, colon), text.startsWith(' ') ? text.slice(1) : text]
}
