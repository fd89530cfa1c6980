/** The front door of ingest: everything that other folders may use of it. */
export { type AddressGuard, createAddressGuard } from './address-guard.ts';
export type { Delivered, Delivery } from './delivery.ts';
export { DigestFollower } from './digest-follower.ts';
export {
  CHECKSUM_ALGORITHMS,
  formatDigest,
  negotiateWant,
  parseDigest,
  parseUploadChecksum,
} from './digest-headers.ts';
export { createDoors, type Doors } from './doors.ts';
export { createFiles, type Files } from './files.ts';
export { createGuardedDispatcher } from './guarded-dispatcher.ts';
export { formatUploadLimit, type IetfHeaders, isComplete, planIetfAppend, planIetfCreation } from './ietf-upload.ts';
export type { MinRate } from './rate-clock.ts';
export { createIngest } from './receive.ts';
export type { StoredFile } from './stored-file.ts';
export { planTusAppend, planTusCreation, TUS_EXTENSIONS, TUS_VERSION } from './tus.ts';
export type { UploadWork } from './upload-finish.ts';
export type { UploadMetadata } from './upload-metadata.ts';
export { openUploadStore } from './upload-store.ts';
export type { AppendRequest, NewUpload, UploadStatus, UploadStore } from './uploads.ts';
