/** What an enforcement point refuses once the token itself is good. */
export const verification = {
  feed_invalid: {
    status: 503,
    oauth: 'temporarily_unavailable',
    says: 'What came as news of revocations cannot be trusted.',
    hint: 'Check that the feed comes from the authority; the enforcement point refuses until it does.',
  },
  feed_rolled_back: {
    status: 503,
    oauth: 'temporarily_unavailable',
    says: 'The revocation feed is older than what this enforcement point has already seen.',
    hint: 'Check whether the authority was restored from a backup without raising its incarnation.',
  },
  insufficient_scope: {
    status: 403,
    oauth: 'insufficient_scope',
    says: 'The token does not carry the scope this call needs.',
    hint: 'Ask for a token with the scope named in the challenge.',
  },
  lease_over: {
    status: 503,
    oauth: 'temporarily_unavailable',
    says: 'The enforcement point has not heard from the authority for too long.',
    hint: 'Try again in a few seconds; calls are refused until revocations are known again.',
  },
  not_ready: {
    status: 503,
    oauth: 'temporarily_unavailable',
    says: 'The enforcement point does not know the current revocations yet.',
    hint: 'Try again in a few seconds.',
  },
  task_required: {
    status: 403,
    oauth: 'access_denied',
    says: 'The token was not issued for the task of this call.',
    hint: 'Ask for a token with the task.',
  },
  tool_not_granted: {
    status: 403,
    oauth: 'insufficient_scope',
    says: 'The token does not carry the scope this tool needs.',
    hint: 'Ask for a token with the scope of the tool.',
  },
  tool_unknown: {
    status: 403,
    oauth: 'access_denied',
    says: 'The resource declares no such tool.',
    hint: 'Declare the tool, and the scope it needs, at the resource.',
  },
} as const
