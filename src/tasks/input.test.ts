import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { createInputParser } from './input.ts';
import pdf2image from './pdf2image.ts';

const parser = createInputParser(pdf2image.input);

test('query text becomes what the schema asks for', () => {
  const parsed = parser.parse({ dpi: '150', grayscale: 'true', transparent: '0', pages: '1-3' }, 'text');
  assert.deepEqual(parsed, {
    dpi: 150,
    grayscale: true,
    transparent: false,
    pages: '1-3',
    format: 'png',
    quality: 85,
    level: 'fast',
    text: false,
  });
});

for (const [raw, message] of [
  [{ dpi: 'abc' }, /^dpi: /],
  [{ dpi: '' }, /^dpi: /],
  [{ dpi: '0' }, /^dpi: /],
  [{ dpi: '1e999' }, /^dpi: /],
  [{ quality: '1.5' }, /^quality: /],
  [{ format: 'gif' }, /^format: /],
  [{ pages: '1;2' }, /^pages: /],
  [{ colour: 'red' }, /colour/],
  [{ dpi: '72', width: '100' }, /dpi, or width/],
  [{ format: 'jpeg', transparent: 'true' }, /transparen/],
] as const) {
  test(`${JSON.stringify(raw)} is invalid input and says what is wrong`, () => {
    const attempt = () => parser.parse(raw, 'text');
    assert.throws(
      attempt,
      (error: unknown) => error instanceof AppError && error.code === 'invalid_input' && message.test(error.message),
    );
  });
}

test('text is not accepted for a number in JSON', () => {
  assert.throws(() => parser.parse({ dpi: '150' }, 'json'), AppError);
});
