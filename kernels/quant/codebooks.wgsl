// What loaders of IQ formats share. An entry of a codebook has 16 bits: see codebooks.ts.

// Eight signs of which seven are stored: the eighth makes the number of negative ones even.
fn even_signs(seven: vec4u) -> vec4u {
  return seven | ((countOneBits(seven) & vec4u(1u)) << vec4u(7u));
}

// Four values, negative where the low four bits of `signs` say so.
fn with_signs(magnitudes: vec4f, signs: u32) -> vec4f {
  return select(magnitudes, -magnitudes, (vec4u(signs) & vec4u(1u, 2u, 4u, 8u)) != vec4u());
}

// IQ2: the low four codes of an entry are 8, 25 or 43.
fn iq2_values(entry: u32, signs: u32) -> vec4f {
  let codes = (vec4u(entry) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(3u);
  return with_signs(vec4f(8u + 17u * codes + (codes >> vec4u(1u))), signs);
}

// The four codes of an entry of IQ3.
fn iq3_codes(entry: u32) -> vec4u {
  return (vec4u(entry) >> vec4u(0u, 3u, 6u, 9u)) & vec4u(7u);
}
