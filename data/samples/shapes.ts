/** A circle as the operators that follow its start, the point on the right. */
export function circle(x: number, y: number, radius: number): string {
  const handle = radius * 0.5523;
  const numbers = [
    [x + radius, y + handle, x + handle, y + radius, x, y + radius],
    [x - handle, y + radius, x - radius, y + handle, x - radius, y],
    [x - radius, y - handle, x - handle, y - radius, x, y - radius],
    [x + handle, y - radius, x + radius, y - handle, x + radius, y],
  ];
  return numbers.map((row) => `${row.map((n) => n.toFixed(3)).join(' ')} c`).join(' ');
}

export const PALETTE = ['0.12 0.47 0.71', '1 0.5 0.05', '0.17 0.63 0.17', '0.84 0.15 0.16', '0.58 0.4 0.74'] as const;
