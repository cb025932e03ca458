/** Lines that are no valid requests, and the answer that each gets: JSON-RPC code, denial code, and its own sentence. */

import { maxLineBytes } from '../../src/format/protocol.js';

const id = `sha3-512:${'0'.repeat(128)}`;
const action = { type: 'tool', tool: 't', arguments: {} };

export function request(fields: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'status', ...fields });
}

const authorize = (params: object) => request({ method: 'authorize', params });

/** Line, JSON-RPC code, denial code, and the sentence: one for each cause. */
export const malformedLines: readonly (readonly [string, string | Uint8Array, number, string, RegExp])[] = [
  ['malformed JSON', '{"jsonrpc":', -32700, 'MALFORMED', /^the text is not valid JSON$/],
  ['an empty line', '', -32700, 'MALFORMED', /not valid JSON/],
  ['invalid UTF-8', Uint8Array.of(0x22, 0x80, 0x22), -32700, 'MALFORMED', /^the bytes are not valid UTF-8$/],
  ['a NUL', request({ method: 'a\0b' }), -32700, 'MALFORMED', /^the text holds a NUL character$/],
  ['a lone surrogate', '{"a":"\\ud800"}', -32700, 'MALFORMED', /^a string holds a lone surrogate$/],
  [
    'deep nesting',
    `${'['.repeat(100)}${']'.repeat(100)}`,
    -32700,
    'MALFORMED',
    /^the JSON is nested too deeply$/,
  ],
  ['duplicate keys', '{"id":1,"id":2}', -32700, 'MALFORMED', /^an object repeats a key$/],
  ['a huge number', '{"id":1e999}', -32700, 'MALFORMED', /^a number is too large to be read exactly$/],
  ['a huge integer', '{"id":12345678901234567890}', -32700, 'MALFORMED', /too large to be read exactly/],
  [
    'a line too long',
    new Uint8Array(maxLineBytes + 1).fill(0x20),
    -32001,
    'TOO_LARGE',
    /longer than 65536 bytes/,
  ],
  ['a batch', '[]', -32600, 'MALFORMED', /^batches are not supported$/],
  ['a number', '1', -32600, 'MALFORMED', /^a request is a JSON object$/],
  [
    'a notification',
    '{"jsonrpc":"2.0","method":"status"}',
    -32600,
    'MALFORMED',
    /^notifications are not supported/,
  ],
  ['a null id', request({ id: null }), -32600, 'MALFORMED', /^the id must not be null$/],
  ['a fractional id', request({ id: 1.5 }), -32600, 'MALFORMED', /^the id must be an integer or a string/],
  ['an object as id', request({ id: {} }), -32600, 'MALFORMED', /^the id must be an integer or a string/],
  ['a long id', request({ id: 'x'.repeat(129) }), -32600, 'MALFORMED', /at most 128 characters/],
  ['another version', request({ jsonrpc: '1.0' }), -32600, 'MALFORMED', /^the field jsonrpc must be "2.0"$/],
  [
    'an unknown field',
    request({ extra: 1 }),
    -32600,
    'MALFORMED',
    /^the request has an unknown field "extra"$/,
  ],
  [
    'a field named __proto__',
    '{"jsonrpc":"2.0","id":1,"method":"status","__proto__":{}}',
    -32600,
    'MALFORMED',
    /unknown field "__proto__"/,
  ],
  [
    'a method that is no string',
    request({ method: 1 }),
    -32600,
    'MALFORMED',
    /^the method must be a string$/,
  ],
  [
    'an unknown method',
    request({ method: 'toString' }),
    -32601,
    'MALFORMED',
    /^there is no method "toString"$/,
  ],
  ['positional parameters', request({ params: [] }), -32602, 'MALFORMED', /^in the parameters of status: /],
  [
    'null parameters',
    request({ method: 'lineage', params: null }),
    -32602,
    'MALFORMED',
    /^in the parameters of lineage: /,
  ],
  ['an unknown parameter', request({ params: { a: 1 } }), -32602, 'MALFORMED', /Unrecognized key: "a"/],
  ['a missing parameter', authorize({}), -32602, 'MALFORMED', /^in the parameters of authorize: action/],
  [
    'a parameter named __proto__',
    `{"jsonrpc":"2.0","id":1,"method":"status","params":{"__proto__":1}}`,
    -32602,
    'MALFORMED',
    /parameters of status/,
  ],
  ['a wrong type', authorize({ action, ttlSeconds: '60' }), -32602, 'MALFORMED', /ttlSeconds/],
  ['a negative validity', authorize({ action, ttlSeconds: -1 }), -32602, 'MALFORMED', /ttlSeconds/],
  ['an unknown action type', authorize({ action: { type: 'fly' } }), -32602, 'MALFORMED', /action\.type/],
  [
    'a NUL in base64 bytes',
    authorize({
      action: {
        type: 'execute',
        executable: '/x',
        argv: [{ base64: '/wA=' }],
        cwd: '/',
        environmentDigest: '0'.repeat(128),
      },
    }),
    -32602,
    'MALFORMED',
    /argv/,
  ],
  [
    'base64 of plain text',
    authorize({
      action: {
        type: 'execute',
        executable: '/x',
        argv: [{ base64: 'YQ==' }],
        cwd: '/',
        environmentDigest: '0'.repeat(128),
      },
    }),
    -32602,
    'MALFORMED',
    /argv/,
  ],
  [
    'a malformed id',
    request({ method: 'export', params: { id: 'sha3-512:00' } }),
    -32602,
    'MALFORMED',
    /must be an id/,
  ],
  [
    'an upper-case id',
    request({ method: 'export', params: { id: id.replace('00', 'AA') } }),
    -32602,
    'MALFORMED',
    /must be an id/,
  ],
  [
    'a short nonce',
    request({ method: 'redeem', params: { id, nonce: 'AAAA', action } }),
    -32602,
    'MALFORMED',
    /base64 of 16 bytes/,
  ],
  [
    'a cause that only the daemon gives',
    request({ method: 'revoke', params: { id, cause: 'unsealed' } }),
    -32602,
    'MALFORMED',
    /cause/,
  ],
  ['a negative index', request({ method: 'log.proof', params: { index: -1 } }), -32602, 'MALFORMED', /index/],
];
