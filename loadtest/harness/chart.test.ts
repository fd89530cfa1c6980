import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { drawChart } from './chart.ts';

suite('chart', () => {
  test('every series has its line and name, and the limit its label', () => {
    const svg = drawChart({
      name: 'x',
      title: 'a < b & "c"',
      unit: 'ms',
      series: [
        {
          label: 'one',
          points: [
            [0, 1],
            [1, 5],
          ],
        },
        {
          label: 'two',
          points: [
            [0, 2],
            [1, 3],
          ],
        },
      ],
      limit: { label: 'at most 9', y: 9 },
    });
    assert.equal(svg.match(/<polyline/g)?.length, 2);
    for (const text of ['>one<', '>two<', '>at most 9<', 'a &#60; b &#38; &#34;c&#34;']) assert.ok(svg.includes(text));
    assert.ok(!svg.includes('NaN'));
  });

  test('a chart without points, or with a single one, is drawn all the same', () => {
    for (const points of [[], [[3, 7]] as const]) {
      const svg = drawChart({ name: 'x', title: 'x', unit: 'ms', series: [{ label: 'one', points }] });
      assert.ok(svg.startsWith('<svg') && !svg.includes('NaN') && !svg.includes('Infinity'));
    }
  });

  test('a peak stays visible when thousands of points are thinned out', () => {
    const points = Array.from({ length: 5000 }, (_, x) => [x, x === 2501 ? 1000 : 1] as const);
    const svg = drawChart({ name: 'x', title: 'x', unit: 'ms', series: [{ label: 'one', points }] });
    const heights =
      /points="([^"]+)"/
        .exec(svg)?.[1]
        ?.split(' ')
        .map((pair) => Number(pair.split(',')[1])) ?? [];
    assert.ok(heights.length <= 600);
    assert.equal(Math.min(...heights), 64);
  });
});
