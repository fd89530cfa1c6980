/** Rows of cells under their headings, the same text on a terminal and in Markdown. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Columns are padded; those that hold only numbers are aligned to the right. */
export function renderTable({ head, rows }: Table): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, 3, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const isNumeric = head.map((_, column) =>
    rows.every((row) => /^[-+~<>≤]?[\d.,]*( ?[×%])?$|^-$/.test(row[column] ?? '')),
  );
  const cell = (text: string, column: number) => {
    const width = widths[column] ?? 0;
    return isNumeric[column] ? text.padStart(width) : text.padEnd(width);
  };
  const line = (cells: readonly string[]) =>
    `| ${head.map((_, column) => cell(cells[column] ?? '', column)).join(' | ')} |`;
  const rule = head.map((_, column) => {
    const dashes = '-'.repeat((widths[column] ?? 0) + 1);
    return isNumeric[column] ? `${dashes}:` : `${dashes}-`;
  });
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

/** `0.42`, `3.1`, `58`, `1,234`: three digits or so, never a wall of decimals. */
export function round(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  const decimals = size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Bytes as MiB, rounded like the rest. */
export function mebibytes(bytes: number): string {
  return round(bytes / 2 ** 20);
}
