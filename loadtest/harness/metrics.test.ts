import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMetrics } from './metrics.ts';

test('a metric is the sum over its labels; comments and what is not a number are left out', () => {
  const text = `# HELP uploads now
# TYPE uploads gauge
uploads 3
bytes{kind="a",path="}\\"x 9"} 1.5e3 1700000000
bytes{kind="b"} 500
quantile{quantile="0.5"} NaN
`;
  assert.deepEqual(
    [...parseMetrics(text)],
    [
      ['uploads', 3],
      ['bytes', 2000],
    ],
  );
});
