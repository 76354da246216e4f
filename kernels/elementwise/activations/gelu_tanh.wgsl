// GELU by tanh: x/2 · (1 + tanh u) with u = sqrt(2/pi) · (x + 0.044715 x³), which is x · sigmoid(2u): no cancellation,
// no tanh. Source: Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2. The exponent is clamped so that no Inf arises.
fn activation(x: vec4f) -> vec4f {
  let u = 0.7978845608028654 * (x + 0.044715 * x * x * x);
  return x / (1.0 + exp(clamp(-2.0 * u, vec4f(-80.0), vec4f(80.0))));
}
