/** The front door of the ways in without HTTP. */

export { createEventHandler, type EventHandler } from './event-handler.ts';
export { createEventWork, type EventWork } from './event-work.ts';
export { startRunpodWorker } from './runpod.ts';
