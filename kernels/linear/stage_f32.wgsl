// Staging for tile_floats.wgsl in f32: 16 KiB, the portable limit.

var<workgroup> tile: array<vec4f, 1024>; // [side, 8, 64]

fn stage(side: u32, row: u32, values: Group) {
  let at = 512u * side + row;
  tile[at] = values[0];
  tile[at + 64u] = values[1];
  tile[at + 128u] = values[2];
  tile[at + 192u] = values[3];
  tile[at + 256u] = values[4];
  tile[at + 320u] = values[5];
  tile[at + 384u] = values[6];
  tile[at + 448u] = values[7];
}

fn staged(side: u32, row: u32, k: u32) -> vec4f {
  return tile[512u * side + 64u * k + row];
}

// What staged values count in.
fn unit_of(side: u32, row: u32) -> f32 {
  return 1.0;
}

// After the last columns: the tile is free.
fn put_squares(row: u32, squares: f32) {
  tile[row] = vec4f(squares);
}

fn squares_of(row: u32) -> f32 {
  return tile[row].x;
}
