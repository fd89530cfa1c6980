/** A line chart as one self-contained SVG. */
export interface Chart {
  /** Becomes the file's name. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly xUnit?: string;
  readonly series: readonly Series[];
  /** A horizontal line that must not be crossed. */
  readonly limit?: { readonly label: string; readonly y: number };
}

/** One line; its points are in the order of x. */
export interface Series {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Told apart by colour-blind eyes too (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [860, 360, 70, 20, 64, 46];
const MAX_POINTS = 600;

/** Scales the axes to the values, zero and the limit included. Errors: none, a chart without points shows its axes. */
export function drawChart(chart: Chart): string {
  const points = chart.series.flatMap(({ points }) => points);
  const x = axis(points.map(([at]) => at));
  const y = axis([0, ...points.map(([, value]) => value), ...(chart.limit ? [chart.limit.y] : [])]);
  const place = ([at, value]: readonly [number, number]): [number, number] => [
    LEFT + ((at - x.from) / (x.to - x.from)) * (WIDTH - LEFT - RIGHT),
    HEIGHT - BOTTOM - ((value - y.from) / (y.to - y.from)) * (HEIGHT - TOP - BOTTOM),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="22" font-size="15" font-weight="bold">${quote(chart.title)}</text>`,
    ...y.ticks.map((value) => horizontal(place([x.from, value])[1], label(value))),
    ...x.ticks.map((at) => vertical(place([at, y.from])[0], label(at))),
    `<text x="12" y="${TOP - 12}" fill="#555">${quote(chart.unit)}</text>`,
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 8}" text-anchor="end" fill="#555">${quote(chart.xUnit ?? 'seconds')}</text>`,
    ...(chart.limit ? [limitLine(place([x.from, chart.limit.y])[1], chart.limit.label)] : []),
    ...chart.series.map((series, index) => line(thin(series.points).map(place), colour(index))),
    ...chart.series.map((series, index) => legend(index, series.label)),
    '</svg>\n',
  ].join('\n');
}

/** Round steps of 1, 2 or 5 that cover all values, four to nine of them. */
function axis(values: readonly number[]): { from: number; to: number; ticks: readonly number[] } {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  if (low > high) return { from: 0, to: 1, ticks: [0, 1] };
  const rough = (high - low || Math.abs(high) || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const from = Math.floor(low / step) * step;
  const count = Math.max(1, Math.ceil((high - from) / step - 1e-9));
  return { from, to: from + count * step, ticks: Array.from({ length: count + 1 }, (_, index) => from + index * step) };
}

/** The highest point of each stretch: a peak must stay visible in a long run. */
function thin(points: Series['points']): Series['points'] {
  if (points.length <= MAX_POINTS) return points;
  const stretch = Math.ceil(points.length / MAX_POINTS);
  const starts = Array.from({ length: Math.ceil(points.length / stretch) }, (_, index) => index * stretch);
  return starts.flatMap((start) => {
    const [first, ...rest] = points.slice(start, start + stretch);
    return first ? [rest.reduce((most, point) => (point[1] > most[1] ? point : most), first)] : [];
  });
}

function line(points: readonly (readonly [number, number])[], stroke: string): string {
  const path = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  return `<polyline points="${path}" fill="none" stroke="${stroke}" stroke-width="1.8" stroke-linejoin="round"/>`;
}

function horizontal(y: number, text: string): string {
  return `<path d="M${LEFT} ${y.toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd"/><text x="${LEFT - 8}" y="${(y + 4).toFixed(1)}" text-anchor="end">${text}</text>`;
}

function vertical(x: number, text: string): string {
  return `<path d="M${x.toFixed(1)} ${HEIGHT - BOTTOM}v5" stroke="#888"/><text x="${x.toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${text}</text>`;
}

function limitLine(y: number, text: string): string {
  return `<path d="M${LEFT} ${y.toFixed(1)}H${WIDTH - RIGHT}" stroke="#b00" stroke-dasharray="6 4"/><text x="${WIDTH - RIGHT}" y="${(y - 5).toFixed(1)}" text-anchor="end" fill="#b00">${quote(text)}</text>`;
}

function legend(index: number, text: string): string {
  const x = LEFT + 60 + index * 185;
  return `<path d="M${x} 44h18" stroke="${colour(index)}" stroke-width="3"/><text x="${x + 24}" y="48">${quote(text)}</text>`;
}

function colour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '#000';
}

function label(value: number): string {
  return Number(value.toPrecision(6)).toLocaleString('en-US');
}

function quote(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
