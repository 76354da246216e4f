// Staging for tile_matrix.wgsl in f16, with sums in f32.
//
// Sums stay in the subgroups' matrices over the whole loop, where only a scalar can multiply them. So each side of the tile
// has one unit, a power of two that all its 64 rows count in. It puts the largest magnitude seen so far at 2^10 to 2^11, and
// is renewed when a later one would reach 2^15: then sums are multiplied by the quotient, which is exact. Nothing
// overflows, whatever the size of weights and outliers of x, x is read once, and an element keeps the eleven bits of an
// f16 unless it is 2^24 times smaller than the largest of its side. (A unit per row would need all of the row before the
// first product, and all of the weights decoded twice.)

enable f16;

alias Component = f16;
// Of the largest magnitude of each side, as f32 has them: biased by 127.
alias Exponents = vec2u;

const STRIDE = 10u; // vectors per row: 16 bytes more than it has, so that neighbours begin in other banks
const F32_BIAS = 127u;
const PLACE = 10u;    // exponent of the largest magnitude, in units
const HEADROOM = 4u;  // by so much a magnitude may exceed it before the unit is renewed
const LEAST = 11u;    // the unit of smaller ones would be subnormal
const NOT_FINITE = 255u;

var<workgroup> tile: array<vec4h, 2u * TILE * STRIDE>; // [side, 64, STRIDE]
var<workgroup> largest: array<atomic<u32>, 2>;         // exponents that asked for another unit

fn least_exponents() -> Exponents {
  return vec2u(LEAST);
}

// Asks for a larger unit where these values need one. Infinities and NaN do not: they stay what they are in any.
fn announce(side: u32, values: Group, exponents: Exponents) {
  let exponent = bitcast<u32>(largest_of(values)) >> 23u;
  if (exponent > exponents[side] + HEADROOM && exponent < NOT_FINITE) {
    atomicMax(&largest[side], exponent);
  }
}

// Takes what was announced before the last barrier. All invocations get the same.
// @returns what the sums so far are to be multiplied by
fn renew(exponents: ptr<function, Exponents>) -> f32 {
  let before = *exponents;
  let now = max(before, vec2u(atomicLoad(&largest[W]), atomicLoad(&largest[X])));
  *exponents = now;
  return power_of_two(before.x, now.x) * power_of_two(before.y, now.y);
}

// 2^(a - b) for a <= b, or zero.
fn power_of_two(a: u32, b: u32) -> f32 {
  return bitcast<f32>((max(F32_BIAS + a, b) - b) << 23u);
}

// What a product counts in.
fn unit_of(exponents: Exponents) -> f32 {
  let units = bitcast<vec2f>((exponents - PLACE) << vec2u(23u));
  return units.x * units.y;
}

fn stage(side: u32, row: u32, values: Group, exponents: Exponents) {
  let inverse = bitcast<f32>((2u * F32_BIAS + PLACE - exponents[side]) << 23u);
  let at = STRIDE * (TILE * side + row);
  tile[at] = vec4h(values[0] * inverse);
  tile[at + 1u] = vec4h(values[1] * inverse);
  tile[at + 2u] = vec4h(values[2] * inverse);
  tile[at + 3u] = vec4h(values[3] * inverse);
  tile[at + 4u] = vec4h(values[4] * inverse);
  tile[at + 5u] = vec4h(values[5] * inverse);
  tile[at + 6u] = vec4h(values[6] * inverse);
  tile[at + 7u] = vec4h(values[7] * inverse);
}
