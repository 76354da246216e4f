@group(0) @binding(0) var<storage, read_write> kv: array<vec4f>;

fn store(at: u32, value: vec4f) {
  kv[at] = value;
}
