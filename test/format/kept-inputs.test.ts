// Policy inputs beside a log entry: what was joined comes apart again, whatever the documents say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jcsBytes } from '../../src/format/jcs.js';
import { joinInputs, splitInputs } from '../../src/format/kept-inputs.js';

test('canonical documents come apart as they were joined', () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), fc.string())), (documents) => {
      const inputs = documents.map((document) => jcsBytes(document));
      assert.deepEqual(splitInputs(joinInputs(inputs)).map(String), inputs.map(String));
    }),
  );
});

test('line breaks inside of documents are escaped, and nothing kept is no document', () => {
  const inputs = [jcsBytes({ text: 'a\nb' }), jcsBytes({ text: '\n' })];
  assert.equal(splitInputs(joinInputs(inputs)).length, 2);
  assert.deepEqual(splitInputs(joinInputs([])), []);
});
