// The flows: what is done in several steps, between any two of which the process may die.

import { generateSigningKey, readStatement } from '@credence/protocol'
import { claimsIn } from '../cast.ts'
import { api, calls, endOwn, type Flow, groundOf, introspects, issues, type Kept, verdict } from './steps.ts'

export const flows: Record<string, Flow> = {
  'an agent is suspended and comes back': async (ground) => {
    const agent = await ground.worker()
    const kept: Kept = {}
    const at = `/v1/agents/${agent.id}`
    return [
      ['a token', '200', issues(ground, agent, kept)],
      ['the agent is suspended', '200 epoch 1', calls(ground, 'post', `${at}/suspend`, {})],
      ['no token', '401 agent_not_active', issues(ground, agent, {})],
      ['it is suspended again', '409 already_ended', calls(ground, 'post', `${at}/suspend`, {})],
      ['it comes back', '200', calls(ground, 'post', `${at}/resume`)],
      ['the token of before', 'dead', introspects(ground, kept)],
      ['a token', '200', issues(ground, agent, kept)],
      ['is alive', 'active', introspects(ground, kept)],
    ]
  },
  'an agent is retired': async (ground) => {
    const agent = await ground.worker()
    const kept: Kept = {}
    const at = `/v1/agents/${agent.id}`
    const again = { handle: agent.handle, owner: ground.ada.id, purpose: 'Wants the name.' }
    return [
      ['a token', '200', issues(ground, agent, kept)],
      ['the agent is retired', '200 epoch 1', calls(ground, 'post', `${at}/retire`, {})],
      ['its token', 'dead', introspects(ground, kept)],
      ['it does not come back', '409 already_ended', calls(ground, 'post', `${at}/resume`)],
      ['nobody else gets its name', '409 handle_taken', calls(ground, 'post', '/v1/agents', again)],
    ]
  },
  'a credential is added, used and ended': async (ground) => {
    const agent = await ground.worker()
    const key = await generateSigningKey('ES256')
    const kept: Kept = {}
    const at = `/v1/agents/${agent.id}/credentials`
    const added = { kind: 'public_key', jwk: key.publicJwk }
    return [
      [
        'a key is added',
        '201',
        async () => {
          const answer = await ground.acme.api('post', at, added)
          kept.id = answer.body.id
          return verdict(answer)
        },
      ],
      ['a token with it', '200', issues(ground, { ...agent, key }, kept)],
      ['the key is ended', '200 epoch 1', calls(ground, 'delete', () => `${at}/${kept.id}`)],
      ['its token', 'dead', introspects(ground, kept)],
      ['no token with it', '401 credential_expired', issues(ground, { ...agent, key }, {})],
      ['nor is it added again', '409 key_taken', calls(ground, 'post', at, added)],
      ['the other key is as before', '200', issues(ground, agent, {})],
    ]
  },
  'an instance is started and ended': async (ground) => {
    const agent = await ground.worker()
    const kept: Kept = {}
    const instance = () => kept.agent ?? agent
    return [
      [
        'an instance',
        'is started',
        async () => {
          kept.agent = await ground.cast.instanceOf(agent)
          return 'is started'
        },
      ],
      ['a token', '200', () => issues(ground, instance(), kept)()],
      [
        'the instance is ended',
        '200 epoch 1',
        () => calls(ground, 'post', '/v1/revocations', { id: instance().instance?.id, cause: 'done' })(),
      ],
      ['its token', 'dead', introspects(ground, kept)],
      ['no token', '401 instance_expired', () => issues(ground, instance(), {})()],
    ]
  },
  'a delegation is registered, used and revoked': async (ground) => {
    const agent = await ground.worker()
    const kept: Kept = {}
    const { ada, cast } = ground
    const chain = await cast.delegate(
      { iss: ada.id, key: ada.key },
      { delegate: agent.clientId, aud: [api], scope: 'repo:read' },
    )
    const { id } = await readStatement(chain[0] as string)
    const exchanges = async () => {
      const answer = await cast.exchange(agent, chain, api)
      if (answer.status === 200) kept.token = answer.body.access_token
      return verdict(answer)
    }
    const registers = calls(ground, 'post', '/v1/delegations', { statements: chain })
    return [
      ['it is registered', '201', registers],
      ['and again, to no effect', '201', registers],
      ['a token', '200', exchanges],
      ['it is revoked', '200 epoch 1', calls(ground, 'post', `/v1/delegations/${id}/revoke`, {})],
      ['its token', 'dead', introspects(ground, kept)],
      ['no token', '400 revoked', exchanges],
      ['it is revoked again', '200 again epoch 1', calls(ground, 'post', `/v1/delegations/${id}/revoke`, {})],
    ]
  },
  'a token is ended by whoever has it': async (ground) => {
    const agent = await ground.worker()
    const kept: Kept = {}
    const { acme } = ground
    return [
      ['a token', '200', issues(ground, agent, kept)],
      ['it ends it', '200', () => endOwn(ground, agent, kept)],
      ['the token', 'dead', introspects(ground, kept)],
      ['it ends it again', '200', () => endOwn(ground, agent, kept)],
      [
        'an administrator finds it ended',
        '200 again epoch 1',
        async () =>
          verdict(await acme.api('post', '/v1/revocations', { id: claimsIn(kept.token ?? '').jti, cause: 'x' })),
      ],
    ]
  },
  'a task ends': async (ground) => {
    const agent = await ground.worker()
    const kept: Kept = {}
    const task = `ticket-${agent.handle}`
    const end = { id: `task:${task}`, cause: 'done' }
    return [
      ['a token', '200', issues(ground, agent, kept, { task })],
      ['the task ends', '200 epoch 1', calls(ground, 'post', '/v1/revocations', end)],
      ['its token', 'dead', introspects(ground, kept)],
      ['no token', '400 revoked', issues(ground, agent, {}, { task })],
      ['another task is as before', '200', issues(ground, agent, {}, { task: `${task}-2` })],
      ['it ends again', '200 again epoch 1', calls(ground, 'post', '/v1/revocations', end)],
    ]
  },
  'a person loses a permission': async (ground) => {
    const agent = await ground.worker()
    const { cast } = ground
    const bob = await cast.person('Bob', [{ resource: api, scope: 'repo:*' }])
    const chain = await cast.delegate(
      { iss: bob.id, key: bob.key },
      { delegate: agent.clientId, aud: [api], scope: 'repo:*' },
    )
    const exchanges = async () => {
      const answer = await cast.exchange(agent, chain, api)
      return answer.status === 200 ? answer.body.scope : verdict(answer)
    }
    const permissions = [{ resource: api, scope: 'repo:read' }]
    return [
      ['all of it', 'repo:read repo:write', exchanges],
      ['a permission goes', '200', calls(ground, 'patch', `/v1/people/${bob.id}`, { permissions })],
      ['less', 'repo:read', exchanges],
    ]
  },
  'an agent loses a capability': async (ground) => {
    const agent = await ground.worker()
    const writes = issues(ground, agent, {}, { scope: 'repo:write' })
    const at = `/v1/agents/${agent.id}`
    return [
      ['a token', '200', writes],
      ['it may only read', '200', calls(ground, 'patch', at, { capabilities: ['repo:read'] })],
      ['no token to write with', '400 scope_exceeds_grant', writes],
    ]
  },
  'a person’s key is enrolled and ended': async (ground) => {
    const agent = await ground.worker()
    const { cast, acme } = ground
    const kept: Kept = {}
    const key = await generateSigningKey('ES256')
    const bob = await cast.person('Bob', [{ resource: api, scope: 'repo:read' }])
    const exchanges = async () => {
      const words = { delegate: agent.clientId, aud: [api], scope: 'repo:read' }
      const answer = await cast.exchange(agent, await cast.delegate({ iss: bob.id, key }, words), api)
      if (answer.status === 200) kept.token = answer.body.access_token
      return verdict(answer)
    }
    return [
      ['not before it is known', '400 delegator_unknown', exchanges],
      [
        'it is enrolled',
        '201',
        async () => {
          const answer = await acme.api('post', `/v1/people/${bob.id}/keys`, { jwk: key.publicJwk })
          kept.id = answer.body.id
          return verdict(answer)
        },
      ],
      ['a token', '200', exchanges],
      ['it is ended', '200 epoch 1', calls(ground, 'delete', () => `/v1/people/${bob.id}/keys/${kept.id}`)],
      ['its token', 'dead', introspects(ground, kept)],
      ['not after', '400 delegator_unknown', exchanges],
    ]
  },
  'an administrator is added and ended': async (ground) => {
    const { acme } = ground
    const kept: Kept = {}
    const enters = async () => {
      const headers = { authorization: `Bearer ${kept.secret}` }
      return `${(await fetch(`${acme.issuer}/v1/agents`, { headers })).status}`
    }
    return [
      [
        'one more',
        '201',
        async () => {
          const answer = await acme.api('post', '/v1/administrators', { name: 'Second' })
          Object.assign(kept, { id: answer.body.id, secret: answer.body.secret })
          return verdict(answer)
        },
      ],
      ['may enter', '200', enters],
      ['is ended', '200', calls(ground, 'delete', () => `/v1/administrators/${kept.id}`)],
      ['may not', '401', enters],
    ]
  },
  'signing keys take turns': async ({ other }) => {
    const acme = await other()
    const kept: Kept = {}
    const revokes = async () => verdict(await acme.api('post', `/v1/signing-keys/${kept.id}/revoke`, {}))
    const states = async () => {
      const { body } = await acme.api('get', '/v1/signing-keys')
      const active = body.items.find(({ state }: { state: string }) => state === 'active')
      kept.id ??= active.id
      return body.items
        .map(({ state }: { state: string }) => state)
        .sort()
        .join(' ')
    }
    return [
      ['one signs', 'active', states],
      ['the next is shown', '202', async () => verdict(await acme.api('post', '/v1/signing-keys'))],
      ['and only that', '409 conflict', async () => verdict(await acme.api('post', '/v1/signing-keys'))],
      ['both are there', 'active published', states],
      ['the first is revoked', '200 epoch 1', revokes],
      ['the next signs', 'active revoked', states],
      ['for good', '409 already_ended', revokes],
    ]
  },
  'an organization is suspended and comes back': async ({ other, installation }) => {
    const acme = await other()
    const ground = await groundOf(acme, { other, installation })
    const agent = await ground.worker()
    const kept: Kept = {}
    const at = `/v1/organizations/${acme.id}`
    return [
      ['a token', '200', issues(ground, agent, kept)],
      ['it is suspended', '200 epoch 1', async () => verdict(await installation('post', `${at}/suspend`, {}))],
      ['no token', '400 revoked', issues(ground, agent, {})],
      ['it comes back', '200', async () => verdict(await installation('post', `${at}/resume`))],
      ['a token', '200', issues(ground, agent, {})],
      ['the token of before', 'dead', introspects(ground, kept)],
    ]
  },
  'a record stays where it is in the log': async (ground) => {
    const kept: Kept = {}
    const { acme } = ground
    const reads = async () => {
      const { body } = await acme.api('get', '/v1/audit/records?after=-1&limit=1')
      kept.id ??= body.records[0].leaf.id
      const proof = await acme.api('get', `/v1/audit/records/${kept.id}/proof`)
      const bytes = `${body.records[0].leaf_bytes} ${proof.body.position} ${proof.body.leaf_hash}`
      kept.bytes ??= bytes
      return bytes === kept.bytes ? 'the same' : `${bytes} instead of ${kept.bytes}`
    }
    return [
      ['the first record', 'the same', reads],
      ['something happens', '201', calls(ground, 'post', '/v1/people', { name: 'Carl' })],
      ['the first record', 'the same', reads],
    ]
  },
}
