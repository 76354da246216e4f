// What the GPU knows of each sequence in a slot. The sampler writes token and position; the host writes a slot when a
// sequence enters it. Layout in kernels/common/batch.ts. Needs batch.wgsl.

@group(0) @binding(0) var<storage, read> slots: array<u32>; // [slots, SLOT_WORDS]

fn row_token(row: u32) -> u32 {
  let r = batch.row[row];
  return select(r.token, slots[r.slot * SLOT_WORDS + SLOT_TOKEN], r.token == LAST_TOKEN);
}

fn row_position(row: u32) -> u32 {
  let r = batch.row[row];
  return select(r.position, slots[r.slot * SLOT_WORDS + SLOT_POSITION], r.token == LAST_TOKEN);
}

// Keys that the row may see, not counting its window.
fn row_key_end(row: u32) -> u32 {
  let r = batch.row[row];
  return select(r.key_end, slots[r.slot * SLOT_WORDS + SLOT_POSITION] + 1u, r.token == LAST_TOKEN);
}

const SLOT_TOKEN = 0u;
const SLOT_POSITION = 1u;
