/** The front door of ingest: everything that other folders may use of it. */
export { type AddressGuard, createAddressGuard } from './address-guard.ts';
export type { ByteSource } from './byte-source.ts';
export { formatDigest, negotiateWant, parseDigest } from './digest-headers.ts';
export { createDoors, type Delivered, type Delivery, type Doors } from './doors.ts';
export { createFiles, type Files } from './files.ts';
export type { MinRate } from './rate-clock.ts';
export { createIngest, type Ingest } from './receive.ts';
export type { StoredFile } from './stored-file.ts';
