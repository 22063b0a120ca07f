import { apiKey } from './api_key.ts'
import type { Way } from './client.ts'
import { clientSecretBasic } from './client_secret_basic.ts'
import { clientSecretPost } from './client_secret_post.ts'
import { privateKeyJwt } from './private_key_jwt.ts'

/** Every way a client can authenticate. */
export const ways: readonly Way[] = [privateKeyJwt, clientSecretBasic, clientSecretPost, apiKey]

/** For the metadata: those that have a registered name. An API key is a way of our own. */
export const wayNames: readonly string[] = ways.filter((way) => way !== apiKey).map(({ name }) => name)
