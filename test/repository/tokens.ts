// Splits TypeScript source into words, strings and signs, dropping comments: just enough to find imports
// without mistaking text in a comment, a string, a template or a regular expression for one.

export type Token = { readonly type: 'word' | 'string' | 'sign'; readonly text: string };

const BLANK = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const WORD = /[\w$\u0080-\uffff]+/y;
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
/** A template's text, up to its end or to the next substitution. */
const TEMPLATE_TEXT = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y;

/** A string token's text is what stands between its quotes; a template's text is left out. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const substitutions: number[] = []; // For each open `${`: the brace depth at which its `}` stands.
  let depth = 0;
  let at = 0;
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0] ?? '';
    at += text.length;
    return text;
  };
  while (at < source.length) {
    if (take(BLANK) !== '') continue;
    const word = take(WORD);
    const string = word === '' ? take(STRING) : '';
    if (word !== '') {
      tokens.push({ type: 'word', text: word });
    } else if (string !== '') {
      tokens.push({ type: 'string', text: string.slice(1, -1) });
    } else if (!beginsRegexp(tokens.at(-1)) || take(REGEXP) === '') {
      const sign = source.charAt(at);
      at += 1;
      const endsSubstitution = sign === '}' && substitutions.at(-1) === depth;
      if (endsSubstitution) substitutions.pop();
      if (endsSubstitution || sign === '`') {
        const opens = take(TEMPLATE_TEXT).endsWith('${');
        if (opens) substitutions.push(depth);
        tokens.push({ type: 'sign', text: opens ? '${' : '`' });
      } else {
        if (sign === '{') depth += 1;
        if (sign === '}') depth -= 1;
        tokens.push({ type: 'sign', text: sign });
      }
    } else {
      tokens.push({ type: 'sign', text: '//' }); // A regular expression: a value, like a closing bracket.
    }
  }
  return tokens;
}

const WORDS_BEFORE_REGEXP = new Set(
  'return typeof case in of do else void delete throw new yield await'.split(' '),
);
const ENDS_OF_VALUES = new Set([')', ']', '}', '`', '//']);

/** A slash divides after a value, and begins a regular expression anywhere else. */
function beginsRegexp(previous: Token | undefined): boolean {
  switch (previous?.type) {
    case undefined:
      return true;
    case 'word':
      return WORDS_BEFORE_REGEXP.has(previous.text);
    case 'string':
      return false;
    case 'sign':
      return !ENDS_OF_VALUES.has(previous.text);
  }
}
