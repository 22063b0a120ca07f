import type { Organization, Services } from '../services.ts'

/** Takes every organization's signing keys one step further if their time has come. Safe on many nodes at once. */
export async function rotateDue(_services: Services): Promise<void> {}

/** Runs `rotateDue` from time to time until stopped. */
export function startRotation(_services: Services): { stop(): Promise<void> } {
  return { stop: async () => {} }
}

/** Prepares and publishes the next signing key now; it becomes active once caches of the key set have run out. */
export async function newSigningKey(_services: Services, _organization: Organization, _by: string): Promise<string> {
  return ''
}

/** Ends a signing key for good: all it signed is dead. An active key is replaced in the same command. */
export async function revokeSigningKey(
  _services: Services,
  _organization: Organization,
  _revoke: { kid: string; cause: string; by: string },
): Promise<void> {}
