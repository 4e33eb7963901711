/** Text tables with columns as wide as their widest cell. */

export interface Table {
  readonly header: readonly string[];
  /** One entry a column. */
  readonly align: readonly ('left' | 'right')[];
  /** Rows; a line stands between groups. */
  readonly groups: readonly (readonly (readonly string[])[])[];
}

/** Lines without trailing spaces and without a line feed at the end. */
export function renderTable({ header, align, groups }: Table): string {
  const widths = align.map((_, column) =>
    Math.max(...[header, ...groups.flat()].map((row) => row[column]?.length ?? 0)),
  );
  const toLine = (row: readonly string[]): string =>
    widths
      .map((width, column) => {
        const cell = row[column] ?? '';
        return align[column] === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [toLine(header), ...groups.flatMap((rows) => [rule, ...rows.map(toLine)])].join('\n');
}
