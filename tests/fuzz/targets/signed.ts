// Readers of what is signed. Inputs are the texts inside, one to a line: what they sign is signed for real, so that everything behind the
// signature is reached.

import type { Target } from '../target.ts'
import { records } from './signed_records.ts'
import { tokens } from './signed_tokens.ts'

export const targets: readonly Target[] = [...tokens, ...records]
