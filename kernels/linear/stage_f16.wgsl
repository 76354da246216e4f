// Staging for tile_floats.wgsl in f16: half the workgroup memory and its traffic. Each row's 32 values are scaled by a
// power of two into [-2, 2], so that none overflows and the largest keeps all its bits, whatever the size of weights and
// activations.

enable f16;

var<workgroup> tile: array<vec4h, 1024>; // [side, 8, 64]
var<workgroup> units: array<f32, 128>;   // [side, 64]

fn stage(side: u32, row: u32, values: Group) {
  let exponent = clamp(bitcast<u32>(largest_of(values)) >> 23u, 1u, 253u);
  let inverse = bitcast<f32>((254u - exponent) << 23u);
  let at = 512u * side + row;
  tile[at] = vec4h(values[0] * inverse);
  tile[at + 64u] = vec4h(values[1] * inverse);
  tile[at + 128u] = vec4h(values[2] * inverse);
  tile[at + 192u] = vec4h(values[3] * inverse);
  tile[at + 256u] = vec4h(values[4] * inverse);
  tile[at + 320u] = vec4h(values[5] * inverse);
  tile[at + 384u] = vec4h(values[6] * inverse);
  tile[at + 448u] = vec4h(values[7] * inverse);
  units[64u * side + row] = bitcast<f32>(exponent << 23u);
}

fn staged(side: u32, row: u32, k: u32) -> vec4f {
  return vec4f(tile[512u * side + 64u * k + row]);
}

fn unit_of(side: u32, row: u32) -> f32 {
  return units[64u * side + row];
}

fn put_squares(row: u32, squares: f32) {
  units[row] = squares;
}

fn squares_of(row: u32) -> f32 {
  return units[row];
}
