import { describe, expect, it } from 'vitest';
import { createRhIdentity } from '../../../src/auth/modules/rh-identity.ts';
import { refusalOf } from '../../support/credentials.ts';

const USER = {
  identity: {
    type: 'User',
    account_number: '1',
    org_id: '2',
    user: { user_id: 'u-1', username: 'ada@example.com', is_org_admin: true },
  },
  entitlements: { rhel: { is_entitled: true, is_trial: false }, ansible: { is_entitled: false } },
};
const SYSTEM = { identity: { type: 'System', account_number: '123', org_id: '2', system: { cn: 'c-1' } } };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
const showing = (...headers: readonly string[]) => ({ headers: { 'x-rh-identity': headers } });
const identify = createRhIdentity({ requiredEntitlements: [] });

describe('an identity', () => {
  it('of a user is the user, with everything said of them as claims', async () => {
    expect(await identify(showing(encode(USER)))).toEqual({
      id: 'u-1',
      name: 'ada@example.com',
      claims: USER,
    });
  });

  it('of a system is the system', async () => {
    expect(await identify(showing(encode(SYSTEM)))).toMatchObject({ id: 'c-1', name: '123' });
  });

  it.each([
    ['no base64', '{"identity":{}}', 'It is not base64'],
    ['empty', '', 'It is not base64'],
    ['no JSON', Buffer.from('{').toString('base64'), 'It is not a JSON object'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('base64'), 'It is not a JSON object'],
    ['a text', encode('ada'), 'It is not a JSON object'],
    ['null', encode(null), 'It is not a JSON object'],
    ['without identity', encode({}), 'Not there, or not as it should be: identity'],
    [
      'of an unknown type',
      encode({ identity: { type: 'Cat' } }),
      'Not there, or not as it should be: identity.type',
    ],
    [
      'without a user',
      encode({ identity: { type: 'User' } }),
      'Not there, or not as it should be: identity.user',
    ],
    [
      'without a user id',
      encode({ identity: { type: 'User', user: { username: 'ada' } } }),
      'Not there, or not as it should be: identity.user.user_id',
    ],
    [
      'with entitlements that are none',
      encode({ ...USER, entitlements: { rhel: true } }),
      'Not there, or not as it should be: entitlements.rhel',
    ],
  ])('is refused when it is %s', async (_what, header, explanation) => {
    expect(await refusalOf(identify, showing(header))).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'The x-rh-identity header could not be decoded',
      details: { explanation },
    });
  });

  it('is refused when it is not there, or there twice', async () => {
    expect(await refusalOf(identify, { headers: {} })).toMatchObject({
      message: 'No x-rh-identity header found',
    });
    expect(await refusalOf(identify, showing(encode(USER), encode(USER)))).toMatchObject({
      message: 'The x-rh-identity header could not be decoded',
    });
  });

  it('is never taken from the parameters of a WebSocket, which the gateway does not see', async () => {
    const connectionParams = { 'x-rh-identity': encode(USER), 'X-RH-Identity': encode(USER) };
    expect(await refusalOf(identify, { headers: {}, connectionParams })).toMatchObject({
      message: 'No x-rh-identity header found',
    });
    const both = { ...showing(encode(SYSTEM)), connectionParams };
    expect(await identify(both)).toMatchObject({ id: 'c-1' });
  });
});

describe('required entitlements', () => {
  it.each([
    [['rhel'], undefined],
    [['ansible'], 'Missing required entitlement: ansible'],
    [['rhel', 'ansible'], 'Missing required entitlement: ansible'],
    [['other'], 'Missing required entitlement: other'],
    [['constructor'], 'Missing required entitlement: constructor'],
  ])('%j: %s', async (requiredEntitlements, message) => {
    const strict = createRhIdentity({ requiredEntitlements });
    if (message === undefined) expect(await strict(showing(encode(USER)))).toMatchObject({ id: 'u-1' });
    else expect(await refusalOf(strict, showing(encode(USER)))).toMatchObject({ code: 'FORBIDDEN', message });
  });
});
