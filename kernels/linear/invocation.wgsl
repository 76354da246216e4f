// Teams of one: an invocation adds up its rows alone, without barriers. For software adapters.

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let r = W_ROWS * (group_index(workgroup, workgroups) * WORKGROUP + local);
  let m = ROWS * workgroup.z;
  let rows = rows_from(m);
  if (r >= params.rows) {
    return;
  }
  var partial = partial_of(m, r, 0u);
  for (var i = 0u; i < rows; i++) {
    store(m + i, r, partial.sums[i].x, partial.squares[i]);
    store(m + i, r + 1u, partial.sums[i].y, partial.squares[i]);
  }
}
