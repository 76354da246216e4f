// The rows that are multiplied are also written, for the layers after this one, by the team or workgroup of the stack's first rows.

@group(0) @binding(0) var<storage, read_write> x_out: array<vec4f>; // [x rows, x_stride / 4]

fn publish(here: bool, m: u32, group: u32, values: Group) {
  if (!here || m >= y_rows()) {
    return;
  }
  let at = x_row(m) * (params.x_stride / 4u) + 8u * group;
  let present = present_in(group);
  x_out[at] = values[0];
  if (present > 1u) { x_out[at + 1u] = values[1]; }
  if (present > 2u) { x_out[at + 2u] = values[2]; }
  if (present > 3u) { x_out[at + 3u] = values[3]; }
  if (present > 4u) { x_out[at + 4u] = values[4]; }
  if (present > 5u) { x_out[at + 5u] = values[5]; }
  if (present > 6u) { x_out[at + 6u] = values[6]; }
  if (present > 7u) { x_out[at + 7u] = values[7]; }
}

fn publish_four(here: bool, m: u32, four: u32, values: vec4f) {
  if (here && m < y_rows()) {
    x_out[x_row(m) * (params.x_stride / 4u) + four] = values;
  }
}
