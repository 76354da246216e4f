// The rows of a step. The host writes this uniform when the batch changes and never otherwise; a decode row says
// LAST_TOKEN and takes its token and position from its slot, where the sampler left them.
//
// A uniform, so that loops over a row's keys are uniform control flow for the rows that the host describes.

const MAX_ROWS = 512u;    // kernels/common/batch.ts says the same
const MAX_OUTPUTS = 16u;
const SLOT_WORDS = 32u;
const LAST_TOKEN = 0xffffffffu;

struct Row {
  token: u32,    // or LAST_TOKEN
  position: u32, // in its sequence, from 0; ignored with LAST_TOKEN
  slot: u32,
  key_end: u32,  // keys 0 ... key_end - 1 are visible (before the window); causal: position + 1
}

struct Batch {
  rows: u32,
  outputs: u32,
  unused_0: u32,
  unused_1: u32,
  row: array<Row, MAX_ROWS>,
  // Output o (four to a vector) is made from row output_row[o / 4][o % 4], with OUTPUT_NO_SAMPLE where it wants no token.
  output_row: array<vec4u, MAX_OUTPUTS / 4u>,
}

const OUTPUT_NO_SAMPLE = 0x80000000u;

@group(0) @binding(0) var<uniform> batch: Batch;

// The row that output o is made from.
fn output_row(o: u32) -> u32 {
  return batch.output_row[o / 4u][o % 4u] & ~OUTPUT_NO_SAMPLE;
}

fn output_samples(o: u32) -> bool {
  return (batch.output_row[o / 4u][o % 4u] & OUTPUT_NO_SAMPLE) == 0u;
}
