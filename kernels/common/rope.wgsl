// Cosine and sine of a position's angle, which is never formed: angle = 256 · coarse + fine, the host gives both parts'
// cosines and sines, computed in f64 (kernels/rope/rope.ts). GPU sin and cos are off by 2e-4 on some adapters.
// Pairs of elements: half (i, i + dims / 2), adjacent (2i, 2i + 1).

@group(0) @binding(0) var<storage, read> tables: array<f32>;

const STYLE_ADJACENT = 1u;

// The angle of a pair of elements, of which a head has dims / 2. The fine table is [256, dims / 2] (cos, sin) for
// position mod 256; the coarse one [positions / 256, dims / 2] (cos, sin) for 256 · (position div 256).
fn rope_angle(position: u32, pair: u32, dims: u32, tables_at: u32, coarse_at: u32) -> vec2f {
  let fine_at = tables_at + (position % 256u) * dims + 2u * pair;
  let coarse_at_pair = coarse_at + (position / 256u) * dims + 2u * pair;
  let fine = vec2f(tables[fine_at], tables[fine_at + 1u]);
  let coarse = vec2f(tables[coarse_at_pair], tables[coarse_at_pair + 1u]);
  return vec2f(coarse.x * fine.x - coarse.y * fine.y, coarse.y * fine.x + coarse.x * fine.y);
}
