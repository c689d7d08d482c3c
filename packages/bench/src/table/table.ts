/** A table of text: the first column is words, the others are figures. */
export interface Table {
  readonly title: string;
  /** What one has to know to read it. */
  readonly note?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** For a terminal. */
export function plainTable({ title, note, head, rows }: Table): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return [title, ...(note === undefined ? [] : [note]), '', ...text].join('\n');
}

export function markdownTable({ title, note, head, rows }: Table): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = `|${head.map((_, column) => (column === 0 ? '---' : '---:')).join('|')}|`;
  return [`### ${title}`, '', ...(note === undefined ? [] : [note, '']), line(head), rule, ...rows.map(line)].join(
    '\n',
  );
}

/** Three significant digits, or whole numbers in groups of three: 0.00123, 4.56, 78.9, 123,456. */
export function figureText(value: number): string {
  return Math.abs(value) >= 100
    ? value.toLocaleString('en-US', { maximumFractionDigits: 0 })
    : value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

export function rangeText({ low, high }: { readonly low: number; readonly high: number }): string {
  return low === high ? '' : `${figureText(low)} – ${figureText(high)}`;
}
