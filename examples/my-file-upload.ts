import { defineTask } from 'penstock';
import { toFastTaskJob } from './_fast-task.ts';

/** Files by their kinds: what is something else is refused before the task sees it. */
export default defineTask({
  name: 'my_file_upload',
  description: 'An image, and maybe sound and moving images',
  answer: 'async',
  reply: toFastTaskJob,
  files: { image: 'image', audio: { kind: 'audio', optional: true }, video: { kind: 'video', optional: true } },
  run(_input, { files: { image, audio, video } }) {
    return { image: image.mediaType, audio: audio?.mediaType ?? null, video: video?.mediaType ?? null };
  },
});
