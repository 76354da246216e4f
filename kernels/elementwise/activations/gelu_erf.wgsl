// GELU: x · Phi(x), Phi the normal distribution function, by erfc(z) = poly(t) exp(-z²), t = 1 / (1 + p z), z ≥ 0.
// Absolute error of Phi at most 7.5e-8. Source: Abramowitz & Stegun, 7.1.26.
fn activation(x: vec4f) -> vec4f {
  let z = min(abs(x) * 0.7071067811865476, vec4f(9.0));
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let tail = 0.5 * poly * exp(-z * z);
  return x * select(tail, 1.0 - tail, x >= vec4f(0.0));
}
