// cap · tanh(a / cap); params.factor is cap. Needs common/tanh.wgsl.
fn apply(a: vec4f) -> vec4f {
  let t = a / params.factor;
  return params.factor * vec4f(exact_tanh(t.x), exact_tanh(t.y), exact_tanh(t.z), exact_tanh(t.w));
}
