import type { Chart } from '../harness/chart.ts';

/** Seconds of each entrant, by dpi. */
export type SecondsByDpi = ReadonlyMap<number, ReadonlyMap<string, { readonly seconds: number }>>;

/** A document's lines over the resolutions. `slowest` is left out: beside it all others would be one line. */
export function chartOf(file: string, byDpi: SecondsByDpi, slowest: string): Chart {
  const names = new Set([...byDpi.values()].flatMap((medians) => [...medians.keys()]));
  names.delete(slowest);
  const series = [...names].map((label) => {
    const points = [...byDpi].map(([dpi, medians]) => [dpi, medians.get(label)?.seconds ?? Number.NaN] as const);
    return { label, points };
  });
  const name = `raster-${file.replace(/\.pdf$/, '')}`;
  return { name, title: `${file}: seconds for all pages, cold`, unit: 'seconds', xUnit: 'dpi', series };
}
