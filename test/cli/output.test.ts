import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Output } from '../../src/cli/output.js';

function outputWith(options: { readonly colour: boolean; readonly json: boolean }) {
  const written: string[] = [];
  const errors: string[] = [];
  const output = new Output({
    standard: { write: (text) => written.push(text), colour: options.colour },
    error: { write: (text) => errors.push(text), colour: options.colour },
    json: options.json,
  });
  return { output, written, errors };
}

test('a result is lines for people, or one JSON document', () => {
  const text = outputWith({ colour: false, json: false });
  text.output.result({ a: 1 }, (paint) => [paint('good', 'fine'), 'more']);
  assert.deepEqual(text.written, ['fine\nmore\n']);
  const json = outputWith({ colour: true, json: true });
  json.output.result({ a: 1 }, () => ['never shown']);
  assert.deepEqual(JSON.parse(json.written.join('')), { a: 1 });
});

test('colour is used only where the channel has it', () => {
  const { output, written } = outputWith({ colour: true, json: false });
  output.result(null, (paint) => [paint('bad', 'denied')]);
  assert.deepEqual(written, ['\u001b[31mdenied\u001b[0m\n']);
});

test('text from strangers cannot steer the terminal or forge a line', () => {
  for (const colour of [false, true]) {
    const { output, written, errors } = outputWith({ colour, json: false });
    output.result(null, () => ['name\u001b[2Jx\nvalid\u0007\u009b5n\r']);
    assert.deepEqual(written, ['name\\x1b[2Jx\\x0avalid\\x07\\x9b5n\\x0d\n']);
    output.note('gone\u001b]0;title\u0007');
    assert.deepEqual(errors, ['gone\\x1b]0;title\\x07\n']);
  }
});
