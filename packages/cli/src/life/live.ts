import type { Connection } from '../connection.ts'
import { calls } from './acts/calls.ts'
import { delegation } from './acts/delegation.ts'
import { record } from './acts/record.ts'
import { refusals } from './acts/refusals.ts'
import { revocation } from './acts/revocation.ts'
import { whoIsWho } from './acts/who_is_who.ts'
import type { Story } from './story.ts'

export type Life = {
  /** Ends what the life has opened: the shop that verifies calls. */
  stop(): Promise<void>
}

/**
 * The whole life of an agent, once, for real: over HTTP, with keys that only their owners hold, against the authority's
 * database. Each act stands on what the one before left.
 *
 * @param directory where everybody's keys are kept, so that a later start finds the same people and agents
 */
export async function live(story: Story, api: Connection, directory: string): Promise<Life> {
  const world = await whoIsWho(story, api, directory)
  try {
    const handed = await delegation(story, world)
    await calls(story, world, handed)
    await refusals(story, world, handed)
    const ended = await revocation(story, world, handed)
    await record(story, world, ended)
    return { stop: () => world.shop.stop() }
  } catch (error) {
    await world.shop.stop()
    throw error
  }
}
