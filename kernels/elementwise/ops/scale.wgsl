fn apply(a: vec4f) -> vec4f {
  return a * params.factor;
}
