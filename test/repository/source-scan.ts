// Reads from a TypeScript source what the layer rule needs: which modules it names, and whether it uses
// Node's `Buffer`. A scanner of our own, because TypeScript 7 has no stable API that lists imports, and
// an import that only carries types must count too.

import { type Token, tokenize } from './tokens.js';

/** How a module is named: by an import or export statement, by a call, or as a file to be started. */
export type ReferenceKind = 'static' | 'dynamic' | 'started';

export type ModuleReference = { readonly kind: ReferenceKind; readonly specifier: string };

export type SourceFacts = {
  readonly references: readonly ModuleReference[];
  /** `import(…)` or `require(…)` of something other than a plain string: nobody can check where it leads. */
  readonly computedReferences: number;
  readonly usesBuffer: boolean;
};

/** Scans one TypeScript source text. */
export function scanSource(source: string): SourceFacts {
  const tokens = tokenize(source);
  const references: ModuleReference[] = [];
  let computedReferences = 0;
  let usesBuffer = false;
  tokens.forEach((token, at) => {
    if (token.type !== 'word' || isSign(tokens[at - 1], '.')) return;
    const argument = isSign(tokens[at + 1], '(') ? tokens[at + 2] : undefined;
    const literal = argument?.type === 'string' ? argument.text : undefined;
    if (token.text === 'Buffer') usesBuffer = true;
    if (argument !== undefined && (token.text === 'import' || token.text === 'require')) {
      if (literal === undefined) computedReferences += 1;
      else references.push({ kind: 'dynamic', specifier: literal });
    } else if (token.text === 'import' || token.text === 'export') {
      const specifier = specifierOfStatement(tokens, at);
      if (specifier !== undefined) references.push({ kind: 'static', specifier });
    } else if (token.text === 'URL' && literal?.endsWith('.js') && isSign(tokens[at + 3], ',')) {
      references.push({ kind: 'started', specifier: literal });
    }
  });
  return { references, computedReferences, usesBuffer };
}

function isSign(token: Token | undefined, text: string): boolean {
  return token?.type === 'sign' && token.text === text;
}

/**
 * The specifier of `import … from 's'`, `import 's'`, `export { … } from 's'` or `export * from 's'`
 * that begins at the token; `undefined` for `import.meta` and for an export of the module's own.
 */
function specifierOfStatement(tokens: readonly Token[], start: number): string | undefined {
  for (let at = start + 1; at < tokens.length; at += 1) {
    const token = tokens[at];
    const before = tokens[at - 1];
    if (token === undefined || before === undefined) return undefined;
    if (token.type === 'sign' && !'{},*'.includes(token.text)) return undefined;
    if (token.type === 'string' && (at === start + 1 || before.text === 'from')) return token.text;
  }
  return undefined;
}
