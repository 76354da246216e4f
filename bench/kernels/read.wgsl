// Every invocation reads vectors of 16 bytes, one grid apart, and keeps a checksum: what a kernel that streams weights
// can read at best. The sum is stored, so that no compiler can leave the reads out.

@group(0) @binding(0) var<storage, read> x: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let step = groups.x * 256u;
  let length = arrayLength(&x);
  var sum = vec4u(0u);
  for (var i = id.x; i < length; i += step) {
    sum = sum ^ x[i];
  }
  y[id.x] = sum;
}
