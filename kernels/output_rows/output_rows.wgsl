// Gathers the rows whose output was asked for: y[o] = x[output_row[o]].

struct Params {
  width: u32, // a multiple of 4
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;       // [rows, width]
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>; // [outputs, width]

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let at = group_index(group, groups) * WORKGROUP + local.x;
  let quads = params.width / 4u;
  let output = at / quads;
  if (output < batch.outputs) {
    y[at] = x[output_row(output) * quads + at % quads];
  }
}
