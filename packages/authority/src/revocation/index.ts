/** Revocation: how things end, and how every enforcement point comes to know. */
export { type Ending, endStep, issuing, type Kind, kindOf, mayComeBack, taskId } from './end.ts'
export { FeedHub, type FeedParts, type FeedSettings, type Operates, type Subscriber } from './feed_hub.ts'
export { raiseIncarnation } from './incarnation.ts'
export { alignedWidth, maxFacts, readAlignedBatch, readBatch } from './page.ts'
export { awaitReach, type Revocation, type Revoked, restore, revoke } from './revoke.ts'
export { checkMayIssueAgain, isBehind, isIssuing, type Place, recoverIfBehind } from './rollback.ts'
export { endedElsewhere, stepsToEnd, stepsToRestore, subjectOf } from './subject.ts'
