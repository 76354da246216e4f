// Multiplications and additions in registers alone, 16 independent chains per invocation: the f32 rate that plain WGSL
// reaches. 16 chains times 64 rounds times 8 steps, 2 operations each: 16,384 an invocation.

@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let start = f32(id.x & 255u) * 1e-3;
  var a = vec4f(start, start + 0.1, start + 0.2, start + 0.3);
  var b = a + 0.4;
  var c = a + 0.8;
  var d = a + 1.2;
  let scale = vec4f(0.999);
  let shift = vec4f(1e-3);
  for (var round = 0u; round < 64u; round++) {
    a = fma(a, scale, shift); b = fma(b, scale, shift); c = fma(c, scale, shift); d = fma(d, scale, shift);
    a = fma(a, scale, shift); b = fma(b, scale, shift); c = fma(c, scale, shift); d = fma(d, scale, shift);
    a = fma(a, scale, shift); b = fma(b, scale, shift); c = fma(c, scale, shift); d = fma(d, scale, shift);
    a = fma(a, scale, shift); b = fma(b, scale, shift); c = fma(c, scale, shift); d = fma(d, scale, shift);
    a = fma(a, scale, shift); b = fma(b, scale, shift); c = fma(c, scale, shift); d = fma(d, scale, shift);
    a = fma(a, scale, shift); b = fma(b, scale, shift); c = fma(c, scale, shift); d = fma(d, scale, shift);
    a = fma(a, scale, shift); b = fma(b, scale, shift); c = fma(c, scale, shift); d = fma(d, scale, shift);
    a = fma(a, scale, shift); b = fma(b, scale, shift); c = fma(c, scale, shift); d = fma(d, scale, shift);
  }
  y[id.x] = a + b + c + d;
}
