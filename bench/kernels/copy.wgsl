// Every invocation copies vectors of 16 bytes, one grid apart: what a kernel can read and write at best.

@group(0) @binding(0) var<storage, read> x: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let step = groups.x * 256u;
  let length = arrayLength(&x);
  for (var i = id.x; i < length; i += step) {
    y[i] = x[i];
  }
}
