// One workgroup that adds one: each dispatch needs what the one before wrote, so that a chain of them pays the full
// boundary between dependent dispatches every time.

@group(0) @binding(0) var<storage, read_write> counter: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  counter[lane] = counter[lane] + 1u;
}
