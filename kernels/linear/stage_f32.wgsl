// Staging for tile.wgsl in f32: 16 KiB, the portable limit.

var<workgroup> tile: array<vec4f, 1024>; // [side, 8, 64]

fn stage(side: u32, row: u32, all: array<vec4f, 8>) {
  var values = all; // some compilers index only variables
  for (var k = 0u; k < 8u; k++) {
    tile[512u * side + 64u * k + row] = values[k];
  }
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
