import type { Output } from './output.ts'
import { distance, moment, printable } from './output.ts'
import type { TokenReport } from './token_report.ts'
import { constraintText } from './words.ts'

/** A report in words: who calls, for whom, what it may do, and whether that is so now. */
export function tellToken(output: Output, report: TokenReport, nowMs: number): void {
  const { paint } = output
  const verdicts = { yes: paint.green('good now'), no: paint.red('refused'), unknown: paint.yellow('not known') }
  output.line(
    `${verdicts[report.good]}${report.code ? `  ${report.code}` : ''}${report.why ? `  ${paint.dim(printable(report.why))}` : ''}`,
  )
  if (report.ended !== undefined) {
    const { id, cause, at_ms } = report.ended
    output.line(
      `ended by ${printable(id)}${cause ? `, ${printable(cause)}` : ''}${at_ms ? `, ${distance(at_ms, nowMs)}` : ''}`,
    )
  }
  output.line()
  if (report.claims !== undefined) tellClaims(output, report.claims, nowMs)
  else if (report.unverified !== undefined) {
    output.line(paint.yellow('What the text says of itself; nobody vouches for it:'))
    output.line(printable(JSON.stringify(report.unverified)))
  }
}

function tellClaims(output: Output, claims: NonNullable<TokenReport['claims']>, nowMs: number): void {
  const { paint } = output
  const constraints = (claims.authorization_details ?? []).flatMap((detail) => detail.constraints)
  output.fields({
    agent: claims.client_id,
    instance: claims.instance,
    'acts for': claims.sub === claims.client_id ? 'itself' : claims.sub,
    at: claims.aud,
    may: claims.scope,
    only: constraints.map(constraintText).join(', ') || undefined,
    task: claims.task,
    expires: `${moment(claims.exp * 1000)} (${distance(claims.exp * 1000, nowMs)})`,
    bound: claims.cnf === undefined ? 'no: whoever holds it may use it' : `to the key ${claims.cnf.jkt}`,
    id: claims.jti,
    issuer: claims.iss,
  })
  if (claims.delegation_chain !== undefined) {
    output.line()
    output.line(paint.dim('chain'))
    claims.delegation_chain.forEach((hop, depth) => {
      const indent = '   '.repeat(depth)
      if (depth === 0) output.line(printable(hop.delegator))
      output.line(
        `${indent}└─ ${printable(hop.delegate)}  ${paint.dim(`${hop.evidence}, until ${moment(hop.exp * 1000)}`)}`,
      )
    })
  }
  output.line()
  output.line(paint.dim('ends with'))
  for (const [id, epoch] of claims.lineage)
    output.line(`${printable(id)}${epoch === 0 ? '' : paint.dim(`  epoch ${epoch}`)}`)
}
