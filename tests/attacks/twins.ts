// A04 of the attack list: with ECDSA, whoever has a signature can make another one over the same words.

const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')

/** The same object with the other of the two signatures that verify: another text, and no other object. */
export function twinOf(compact: string): string {
  const at = compact.lastIndexOf('.') + 1
  const raw = Buffer.from(compact.slice(at), 'base64url')
  const s = BigInt(`0x${raw.subarray(32).toString('hex')}`)
  const other = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex')
  return compact.slice(0, at) + Buffer.concat([raw.subarray(0, 32), other]).toString('base64url')
}
