/** What stops a start, or a command typed by a person. Never an answer to a stranger. */
export const operation = {
  config_unknown_key: {
    status: 500,
    oauth: 'server_error',
    says: 'There is no such setting.',
    hint: 'Check the spelling; unknown settings stop the start.',
  },
  config_unsafe: {
    status: 500,
    oauth: 'server_error',
    says: 'The settings together are not safe.',
    hint: 'Change one of them as the detail says.',
  },
  file_unusable: {
    status: 500,
    oauth: 'server_error',
    says: 'A file that the authority needs cannot be read or written.',
    hint: 'Check the disk it lies on, and whose it is.',
  },
  key_file_unsafe: {
    status: 500,
    oauth: 'server_error',
    says: 'The key file can be read by others.',
    hint: 'Restrict it to its owner (mode 0600).',
  },
  key_not_savable: {
    status: 500,
    oauth: 'server_error',
    says: 'The key was made so that it can never be written anywhere.',
    hint: 'Make it with `savable: true`, or register a new one at each start.',
  },
  log_mismatch: {
    status: 500,
    oauth: 'server_error',
    says: 'The records of the audit log are not those that its signed head stands for.',
    hint: 'Keep both as they are: somebody changed one of them.',
  },
  origin_refused: {
    status: 400,
    oauth: 'invalid_request',
    says: 'A token is never sent to another origin than that of its resource.',
    hint: 'Name the resource that serves this URL.',
  },
  redirect_refused: {
    status: 502,
    oauth: 'server_error',
    says: 'The resource redirected where its token may not follow.',
    hint: 'Call the place it points to with a token for that place.',
  },
  schema_newer: {
    status: 500,
    oauth: 'server_error',
    says: 'The store was written by a newer version.',
    hint: 'Start the newer version, or restore a backup of this one.',
  },
  store_locked: {
    status: 500,
    oauth: 'server_error',
    says: 'Another process uses this store.',
    hint: 'Stop the other process, or use PostgreSQL to run several.',
  },
  usage: {
    status: 400,
    oauth: 'invalid_request',
    says: 'The command was not understood.',
    hint: 'Add --help to see what it takes.',
  },
  wrapping_key_missing: {
    status: 500,
    oauth: 'server_error',
    says: 'The key that keys are wrapped with is missing.',
    hint: 'Set the wrapping key the store was made with.',
  },
  wrapping_key_wrong: {
    status: 500,
    oauth: 'server_error',
    says: 'The wrapping key is not the one that the stored keys are wrapped with.',
    hint: 'Set the right wrapping key; nothing is generated in its place.',
  },
} as const
