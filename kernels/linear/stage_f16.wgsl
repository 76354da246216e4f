// Staging for tile.wgsl in f16: half the workgroup memory and its traffic. Each row's 32 values are scaled by a power of
// two into [-2, 2], so that none overflows and the largest keeps all its bits, whatever the size of weights and
// activations.

enable f16;

var<workgroup> tile: array<vec4h, 1024>; // [side, 8, 64]
var<workgroup> units: array<f32, 128>;   // [side, 64]

fn stage(side: u32, row: u32, all: array<vec4f, 8>) {
  var values = all; // some compilers index only variables
  var largest = vec4f();
  for (var k = 0u; k < 8u; k++) {
    largest = max(largest, abs(values[k]));
  }
  let most = max(max(largest.x, largest.y), max(largest.z, largest.w));
  let exponent = clamp(bitcast<u32>(most) >> 23u, 1u, 253u);
  let inverse = bitcast<f32>((254u - exponent) << 23u);
  for (var k = 0u; k < 8u; k++) {
    tile[512u * side + 64u * k + row] = vec4h(values[k] * inverse);
  }
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
