import { defineTask, z } from 'penstock';

/** A form with two texts and any number of files, which stay stored. */
export default defineTask({
  name: 'uploadFiles',
  description: 'Stores the files of a form',
  runs: 'inline',
  input: z.object({ data: z.string(), message: z.string() }),
  files: { files: { kind: 'file', many: true } },
  run({ data, message }, { files: { files }, jobId }) {
    const outFiles = files.map(({ name, id }) => [name, `/v1/files/${id}`]);
    return { data: { id: jobId, result: { data, message, nFiles: files.length, outFiles } } };
  },
});
