import type { Algorithm } from '@credence/protocol'
import type { Services } from '../services.ts'
import type { Step } from '../store/port.ts'

/** The rows that give a new organization its first, active signing key. Nobody has cached its key set yet, so it need not wait. */
export async function firstSigningKeySteps(
  _services: Pick<Services, 'sealer' | 'clock'>,
  _organization: { id: string; signingAlgorithm: Algorithm },
): Promise<Step[]> {
  return []
}
