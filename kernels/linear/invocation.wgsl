// Teams of one: an invocation adds up its rows alone, without barriers. For software adapters.

const TEAMS = WORKGROUP;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let task = task_of(group_index(workgroup, workgroups), local);
  let m = ROWS * workgroup.z;
  let rows = rows_from(m);
  if (is_idle(task)) {
    return;
  }
  var added: array<f32, ROWS>;
  if (SANDWICH == 1u) {
    for (var i = 0u; i < rows; i++) {
      added[i] = add_squares(m + i, 0u, 1u);
    }
  }
  var partial = partial_of(m, task, 0u, added);
  for (var i = 0u; i < rows; i++) {
    store_sums(m + i, task, partial.sums[i], partial.squares[i]);
  }
}
