// Every place that takes something signed or secret, which things it takes, and what it says to all others. A new one is a row of these, and is
// offered everything at once.

import { atApi } from './at_api.ts'
import { atOauth } from './at_oauth.ts'
import { atResource } from './at_resource.ts'
import type { Place } from './place.ts'

export const places: readonly Place[] = [...atResource, ...atOauth, ...atApi]
