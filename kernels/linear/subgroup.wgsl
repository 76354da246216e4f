// Teams of LANES neighbouring lanes of a subgroup, LANES at most the smallest subgroup size of the adapter: so the order
// of a sum is the same whatever size the compiler chose for this pipeline. Of small matrices several teams share the
// columns: split.wgsl.
//
// Relies on one-dimensional workgroups filling their subgroups in order, which WGSL does not promise and every known
// driver does; the self-test at load would refuse this variant. (Numbering the teams with an atomic does not rely on it,
// but SwiftShader returns 0 to every subgroup.)

enable subgroups;

const TEAMS = WORKGROUP / LANES;

// What teams found that share their rows, the squares behind the sums.
var<workgroup> found: array<f32, TEAMS * ROWS * (TEAM_ROWS + 1u)>;

// Where an invocation stands.
struct Place {
  task: Task,
  lane: u32,
  team: u32,
  split: u32,
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let team = local / LANES;
  let split = split_of();
  let group = group_index(workgroup, workgroups);
  let task = task_of(group, team / split, TEAMS / split);
  let m = ROWS * workgroup.z;

  var added: array<f32, ROWS>;
  if (SANDWICH == 1u) {
    for (var i = 0u; i < ROWS; i++) {
      added[i] = team_sum(add_squares(m + i, lane, LANES));
    }
  }
  let share = Share(lane + LANES * (team % split), local, group == 0u);
  var partial = partial_of(m, task, share, LANES * split, &added);
  finish_rows(&partial, m, Place(task, lane, team, split));
  if (split > 1u) {
    workgroupBarrier();
    if (team % split == 0u) {
      for (var i = lane; i < ROWS; i += LANES) {
        store_found(m, i, task, team, split);
      }
    }
  }
}

// Sums over the team. A lane of it stores row i, or leaves it to the first of the teams that share the columns.
fn finish_row(i: u32, slot: u32, m: u32, at: Place, found: vec4f, found_squares: f32) {
  var sums = vec4f(team_sum(found.x), team_sum(found.y), 0.0, 0.0);
  if (TEAM_ROWS == 4u) {
    sums.z = team_sum(found.z);
    sums.w = team_sum(found.w);
  }
  var squares = 0.0;
  if (NORM == 1u) {
    squares = team_sum(found_squares);
  }
  if (at.lane != i % LANES) {
    return;
  }
  if (at.split == 1u) {
    store_sums(m + i, at.task, sums, squares);
  } else {
    put_found(at.team, i, sums, squares);
  }
}

// The same bits in every lane.
fn team_sum(value: f32) -> f32 {
  var sum = value;
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    sum += subgroupShuffleXor(sum, step);
  }
  return sum;
}

fn put_found(team: u32, i: u32, sums: vec4f, squares: f32) {
  let at = (team * ROWS + i) * (TEAM_ROWS + 1u);
  found[at] = sums.x;
  found[at + 1u] = sums.y;
  if (TEAM_ROWS == 4u) {
    found[at + 2u] = sums.z;
    found[at + 3u] = sums.w;
  }
  found[at + TEAM_ROWS] = squares;
}

fn store_found(m: u32, i: u32, task: Task, team: u32, split: u32) {
  var sums = vec4f();
  var squares = 0.0;
  for (var of_team = team; of_team < team + split; of_team++) {
    let at = (of_team * ROWS + i) * (TEAM_ROWS + 1u);
    sums += vec4f(found[at], found[at + 1u], 0.0, 0.0);
    if (TEAM_ROWS == 4u) {
      sums += vec4f(0.0, 0.0, found[at + 2u], found[at + 3u]);
    }
    squares += found[at + TEAM_ROWS];
  }
  store_sums(m + i, task, sums, squares);
}
