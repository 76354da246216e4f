// For norms on the way back into the residual stream (Gemma 2 and 3, "sandwich norms"): y += norm(x).
fn store(at: u32, value: vec4f) {
  y[at] += value;
}
