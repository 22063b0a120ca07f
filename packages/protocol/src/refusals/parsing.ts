/** What is wrong with bytes before anybody asks what they mean. */
export const parsing = {
  duplicate_member: {
    status: 400,
    oauth: 'invalid_request',
    says: 'A JSON object names the same member twice.',
    hint: 'Send every member once; escapes are resolved before names are compared.',
  },
  malformed: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The value does not have the form it must have.',
    hint: 'Check the value against its format; nothing is repaired or guessed.',
  },
  non_canonical: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The JSON text is not in its one canonical form.',
    hint: 'Serialize with RFC 8785 (JCS) before signing.',
  },
  non_finite: {
    status: 400,
    oauth: 'invalid_request',
    says: 'A JSON number is not a finite number.',
    hint: 'Send numbers that fit an IEEE 754 double.',
  },
  too_deep: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The JSON text is nested too deeply.',
    hint: 'Send a flatter document.',
  },
  too_large: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The value is larger than is read here.',
    hint: 'Send a smaller value.',
  },
} as const
