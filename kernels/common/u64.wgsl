// 64-bit unsigned integers as vec2u(low, high), and the products that make them.

fn u64_mul(a: u32, b: u32) -> vec2u {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let low = a_low * b_low;
  let middle = a_high * b_low + (low >> 16u);
  let cross = a_low * b_high + (middle & 0xffffu);
  return vec2u((cross << 16u) | (low & 0xffffu), a_high * b_high + (middle >> 16u) + (cross >> 16u));
}

fn u64_add(a: vec2u, b: vec2u) -> vec2u {
  let low = a.x + b.x;
  return vec2u(low, a.y + b.y + select(0u, 1u, low < a.x));
}

// a - b for a ≥ b.
fn u64_sub(a: vec2u, b: vec2u) -> vec2u {
  return vec2u(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

fn u64_less(a: vec2u, b: vec2u) -> bool {
  return a.y < b.y || (a.y == b.y && a.x < b.x);
}

// The high 64 bits of a 128-bit product: floor(a · b / 2^64).
fn u64_mul_high(a: vec2u, b: vec2u) -> vec2u {
  let middle = u64_add(u64_mul(a.y, b.x), vec2u(u64_mul(a.x, b.x).y, 0u));
  let cross = u64_add(u64_mul(a.x, b.y), vec2u(middle.x, 0u));
  return u64_add(u64_mul(a.y, b.y), u64_add(vec2u(middle.y, 0u), vec2u(cross.y, 0u)));
}
