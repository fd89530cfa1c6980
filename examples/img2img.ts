import { createCanvas, loadImage } from '@napi-rs/canvas';
import { defineTask } from 'penstock';
import { toFastTaskJob } from './_fast-task.ts';

/** An image in, an image out, within the job's result. */
export default defineTask({
  name: 'img2img',
  description: 'Turns an image into its negative',
  queueSize: 10,
  answer: 'async',
  reply: toFastTaskJob,
  files: { upload_img: 'image' },
  async run(_input, { files: { upload_img }, file }) {
    const image = await loadImage(await upload_img.bytes());
    const canvas = createCanvas(image.width, image.height);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    context.globalCompositeOperation = 'difference';
    context.fillStyle = 'white';
    context.fillRect(0, 0, image.width, image.height);
    const { name, media_type, base64 } = await file('img2img.png', canvas.toBuffer('image/png'), { as: 'base64' });
    return { file_name: name, content_type: media_type, content: base64 };
  },
});
