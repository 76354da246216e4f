// Counters of a backend at zero.

import type { Counters } from "./backend";

export function newCounters(): Counters {
  return {
    dispatches: 0,
    submits: 0,
    passes: 0,
    bindGroups: 0,
    buffers: 0,
    pipelines: 0,
    pageWrites: 0,
    batchWrites: 0,
    slotWrites: 0,
    otherWrites: 0,
    bytesRead: 0,
  };
}
