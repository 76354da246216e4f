// Staging for tile_matrix.wgsl in f32, where the device multiplies such matrices: nothing is rounded, nothing scaled.

alias Component = f32;
alias Exponents = vec2u;

const STRIDE = 9u; // vectors per row: 16 bytes more than it has, so that neighbours begin in other banks

var<workgroup> tile: array<vec4f, 2u * TILE * STRIDE>; // [side, 64, STRIDE]

fn least_exponents() -> Exponents {
  return Exponents();
}

fn announce(side: u32, values: Group, exponents: Exponents) {
}

fn renew(exponents: ptr<function, Exponents>) -> f32 {
  return 1.0;
}

fn unit_of(exponents: Exponents) -> f32 {
  return 1.0;
}

fn stage(side: u32, row: u32, values: Group, exponents: Exponents) {
  let at = STRIDE * (TILE * side + row);
  tile[at] = values[0];
  tile[at + 1u] = values[1];
  tile[at + 2u] = values[2];
  tile[at + 3u] = values[3];
  tile[at + 4u] = values[4];
  tile[at + 5u] = values[5];
  tile[at + 6u] = values[6];
  tile[at + 7u] = values[7];
}
