import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { A4, createContent, createDocument } from './document.ts';
import { createPdfWriter, ref, type Value } from './pdf-writer.ts';

/** Of the encrypted sample. */
const PASSWORD = 'penstock';

/** Files that cannot be rendered, or only in part, each by its name and made from the one-page sample. */
export function makeFailures(onePage: Buffer, scratch: string): Map<string, Buffer> {
  return new Map([
    ['password.pdf', encrypt(onePage, scratch)],
    ['truncated.pdf', onePage.subarray(0, Math.floor(onePage.length * 0.02))],
    ['not-a-pdf.pdf', Buffer.from('GIF89a is what this file says, and even that is not true.\n')],
    ['no-pages.pdf', noPages()],
    ['damaged-jpx.pdf', imageOnly({ Filter: '/JPXDecode' }, Buffer.from('no code stream at all'))],
    [
      'damaged-jpeg.pdf',
      imageOnly({ Filter: '/DCTDecode', ColorSpace: '/DeviceRGB' }, Buffer.from([0xff, 0xd8, 0xff, 0xd9])),
    ],
    ['damaged-content.pdf', onlyContent(Buffer.from('this is no deflate stream'), { Filter: '/FlateDecode' })],
    ['empty-page.pdf', onlyContent(Buffer.from('q Q'))],
    ['white-page.pdf', imageOnly({ ColorSpace: '/DeviceGray' }, Buffer.alloc(64, 255))],
    [
      'huge-page.pdf',
      onlyContent(Buffer.from('0 0 100 100 re f'), {}, { MediaBox: [0, 0, 14_400, 14_400], UserUnit: 75_000 }),
    ],
    ['huge-image.pdf', imageOnly({ Width: 60_000, Height: 60_000, ColorSpace: '/DeviceRGB' }, Buffer.alloc(64))],
  ]);
}

/** AES-128 with fixed ids and vectors, so that the file is the same each time; qpdf calls that insecure, which it is. */
function encrypt(plain: Buffer, scratch: string): Buffer {
  const [source, target] = [join(scratch, 'plain.pdf'), join(scratch, 'encrypted.pdf')];
  writeFileSync(source, plain);
  const key = ['--encrypt', PASSWORD, 'owner', '128', '--use-aes=y', '--'];
  execFileSync('qpdf', ['--static-id', '--static-aes-iv', '--allow-weak-crypto', ...key, source, target], {
    stdio: 'ignore',
  });
  return readFileSync(target);
}

function noPages(): Buffer {
  const pdf = createPdfWriter();
  return pdf.finish({ Pages: ref(pdf.add({ Type: '/Pages', Kids: [], Count: 0 })) });
}

function onlyContent(data: Buffer, entries: Record<string, Value> = {}, page: Record<string, Value> = {}): Buffer {
  const document = createDocument('failure');
  const stream = document.pdf.addStream(entries, data);
  document.addPage(A4, createContent(), { Contents: ref(stream), ...page });
  return document.finish();
}

function imageOnly(entries: Record<string, Value>, data: Buffer): Buffer {
  const document = createDocument('failure');
  const content = createContent();
  const size = { Width: 8, Height: 8, BitsPerComponent: 8 };
  content.image(
    { x: 50, y: 50, width: 400, height: 400 },
    document.pdf.addStream({ Type: '/XObject', Subtype: '/Image', ...size, ...entries }, data),
  );
  document.addPage(A4, content);
  return document.finish();
}
