import { afterAll, beforeAll, describe } from 'vitest'
import type { Store } from '../../src/store/index.ts'
import { closing } from './contract/closing.ts'
import { commands } from './contract/commands.ts'
import { crashes } from './contract/crashes.ts'
import { log } from './contract/log.ts'
import { mistakes } from './contract/mistakes.ts'
import { model } from './contract/model.ts'
import { races } from './contract/races.ts'
import { reads } from './contract/reads.ts'
import { readsAgain } from './contract/reads_again.ts'
import { standing } from './contract/standing.ts'
import { steps } from './contract/steps.ts'
import { sweeping } from './contract/sweeping.ts'
import { tenants } from './contract/tenants.ts'
import { texts } from './contract/texts.ts'

/** Where a store can be opened, again and again, by this process or another. */
export type Place = {
  engine: 'sqlite' | 'postgres'
  /** The file, or the URL. */
  at: string
  open(): Promise<Store>
  /** Answers once nothing of a process that was killed is still at work in the store. */
  deserted(): Promise<void>
}

/** What each part of the suite gets: one store for all its tests, which keep apart by using organizations of their own. */
export type Setting = { place(): Place; store(): Store }

/** Everything that `port.ts` promises, on one engine. */
export function contract(engine: string, newPlace: () => Promise<Place>): void {
  describe(`the store on ${engine}`, () => {
    let place: Place
    let store: Store
    beforeAll(async () => {
      place = await newPlace()
      store = await place.open()
    })
    afterAll(() => store?.close())
    const setting: Setting = { place: () => place, store: () => store }

    for (const part of [
      commands,
      steps,
      mistakes,
      standing,
      races,
      log,
      reads,
      readsAgain,
      texts,
      sweeping,
      tenants,
      model,
    ])
      part(setting)
    closing(newPlace)
    crashes(newPlace)
  })
}
