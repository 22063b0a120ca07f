/** Revocation: how things end, and how every enforcement point comes to know. */
export { type Ending, endStep, endSteps, type Kind, kindOf, taskId } from './end.ts'
export { FeedHub, type FeedParts, type FeedSettings } from './feed_hub.ts'
export { raiseIncarnation } from './incarnation.ts'
export { type Revocation, type Revoked, restore, revoke } from './revoke.ts'
