// A gated activation: the gate a opens b. Source: Shazeer 2020, arXiv:2002.05202.
fn apply(a: vec4f, b: vec4f) -> vec4f {
  return activation(a) * b;
}
