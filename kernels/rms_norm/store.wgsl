fn store(at: u32, value: vec4f) {
  y[at] = value;
}
