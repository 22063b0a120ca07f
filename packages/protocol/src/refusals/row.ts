/**
 * One row of the closed error table.
 *
 * `status`: HTTP status where the code is the answer to a request. `oauth`: the `error` of an OAuth answer or challenge
 * (RFC 6749 §5.2, RFC 6750 §3.1, RFC 8707 §2, RFC 9449 §5 and §8). `says`: what happened, one sentence. `hint`: what to
 * do next.
 */
export type RefusalRow = { status: number; oauth: string; says: string; hint: string }
