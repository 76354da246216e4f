// y = apply(a, b), element by element. `apply` comes from ops/.

struct Params {
  width: u32, // of a row, a multiple of 4
  factor: f32,
  on_outputs: u32, // 1: rows are the step's outputs, not its tokens
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> a: array<vec4f>;       // [rows, width]
@group(0) @binding(0) var<storage, read> b: array<vec4f>;       // [rows, width]
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>; // [rows, width]

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let at = group_index(group, groups) * WORKGROUP + local.x;
  let rows = select(batch.rows, batch.outputs, params.on_outputs == 1u);
  if (at < rows * (params.width / 4u)) {
    y[at] = apply(a[at], b[at]);
  }
}
