import { isRefusal, type RefusalCode } from '../src/refusals.ts'

/** The code with which `act` refuses, or `accepted`. Any other error is a failure of the test. */
export async function outcome(act: () => unknown): Promise<RefusalCode | 'accepted'> {
  try {
    await act()
    return 'accepted'
  } catch (error) {
    if (isRefusal(error)) return error.code
    throw error
  }
}
