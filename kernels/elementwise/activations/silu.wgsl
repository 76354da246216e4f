// x · sigmoid(x). The exponent is clamped so that no Inf arises.
fn activation(x: vec4f) -> vec4f {
  return x / (1.0 + exp(min(-x, vec4f(80.0))));
}
