fn apply(a: vec4f) -> vec4f {
  return activation(a);
}
