// Philox4x32-10, a counter-based random generator: equal counter and key give equal words, with no state in between.
// Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 3.3. Needs u64.wgsl.

fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let first = u64_mul(0xD2511F53u, c.x);
    let second = u64_mul(0xCD9E8D57u, c.z);
    c = vec4u(second.y ^ c.y ^ k.x, second.x, first.y ^ c.w ^ k.y, first.x);
    k += vec2u(0x9E3779B9u, 0xBB67AE85u);
  }
  return c;
}
