// f16 keys and values on devices without shader-f16. (Weights are never widened by unpack2x16float: it may flush
// subnormals. In the cache that is a rounding error of the mode `fast`.)
@group(0) @binding(0) var<storage, read> kv: array<vec2u>;

fn kv_load(at: u32) -> vec4f {
  let words = kv[at];
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}
