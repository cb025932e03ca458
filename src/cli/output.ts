/** What a command shows: lines for people, or one JSON document on standard output. */

export type Style = 'good' | 'bad' | 'faint' | 'strong';

/** Where text goes. `colour` only for a terminal, and never with NO_COLOR set (no-color.org). */
export interface Channel {
  readonly write: (text: string) => void;
  readonly colour: boolean;
}

export interface OutputParts {
  readonly standard: Channel;
  readonly error: Channel;
  readonly json: boolean;
}

/** Paints text, or leaves it as it is on a channel without colour. */
export type Paint = (style: Style, text: string) => string;

const plain = '\u001b[0m';
const styles: Readonly<Record<Style, string>> = {
  good: '\u001b[32m',
  bad: '\u001b[31m',
  faint: '\u001b[2m',
  strong: '\u001b[1m',
};
const sequences = [plain, ...Object.values(styles)];

export class Output {
  readonly #parts: OutputParts;

  constructor(parts: OutputParts) {
    this.#parts = parts;
  }

  get json(): boolean {
    return this.#parts.json;
  }

  /** The outcome of a command, shown once: `document` with --json, else the lines. */
  result(document: unknown, lines: (paint: Paint) => readonly string[]): void {
    this.#show(this.#parts.standard, document, lines);
  }

  /** As `result`, on standard error: for commands whose standard output belongs to somebody else. */
  resultBeside(document: unknown, lines: (paint: Paint) => readonly string[]): void {
    this.#show(this.#parts.error, document, lines);
  }

  /** Something worth knowing beside the outcome, on standard error. */
  note(text: string): void {
    this.#parts.error.write(
      text
        .split('\n')
        .map((line) => `${visible(line, false)}\n`)
        .join(''),
    );
  }

  #show(channel: Channel, document: unknown, lines: (paint: Paint) => readonly string[]): void {
    if (this.#parts.json) {
      channel.write(`${JSON.stringify(document, null, 2)}\n`);
      return;
    }
    const paint: Paint = (style, text) => (channel.colour ? `${styles[style]}${text}${plain}` : text);
    channel.write(
      lines(paint)
        .map((line) => `${visible(line, channel.colour)}\n`)
        .join(''),
    );
  }
}

/** Text from an artifact or a stranger's file must not steer the terminal: only our own colours pass. */
function visible(line: string, coloured: boolean): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return line.replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, (character, offset: number) => {
    const own = coloured && sequences.some((sequence) => line.startsWith(sequence, offset));
    return own ? character : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** Label and value in two columns; a continued value has an empty label. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
}
