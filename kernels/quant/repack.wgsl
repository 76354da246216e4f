// What all repacking kernels share. A format's part defines `fn repack(first: u32)`.

struct Params {
  first_block: u32, // of the chunk, in the matrix
  blocks: u32,      // in the chunk
  row_blocks: u32,  // in a row of the file
  section_1: u32,   // word offsets of the layout
  section_2: u32,
  section_3: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> source: array<u32>;            // the chunk as in the file
@group(0) @binding(0) var<storage, read_write> w: array<u32>;           // the matrix
@group(0) @binding(0) var<storage, read_write> faults: array<atomic<u32>>; // [1]

// Four bytes of the chunk, lowest first, from any byte on.
fn source_word(byte: u32) -> u32 {
  let shift = 8u * (byte % 4u);
  let low = source[byte / 4u] >> shift;
  let high = (source[byte / 4u + 1u] << 1u) << (31u - shift); // in two steps: a shift by 32 is not defined
  return low | high;
}

// An f16 value's bits. NaN and infinity are counted.
fn source_half(byte: u32) -> u32 {
  let bits = source_word(byte) & 0xffffu;
  if ((bits & 0x7c00u) == 0x7c00u) {
    atomicAdd(&faults[0], 1u);
  }
  return bits;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let first = CHUNK_BLOCKS * (WORKGROUP * group_index(group, groups) + local);
  if (first < params.blocks) {
    repack(first);
  }
}
