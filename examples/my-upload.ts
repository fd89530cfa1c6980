import { defineTask } from 'penstock';
import { toFastTaskJob } from './_fast-task.ts';

/** Gives back what it got. */
export default defineTask({
  name: 'my_upload',
  description: 'Any file, back in base64',
  answer: 'async',
  reply: toFastTaskJob,
  files: { anyfile: 'file' },
  async run(_input, { files: { anyfile }, file }) {
    const { name, media_type, base64 } = await file(anyfile.name, anyfile, { as: 'base64' });
    return { file_name: name, content_type: media_type, content: base64 };
  },
});
