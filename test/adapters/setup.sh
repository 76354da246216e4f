#!/usr/bin/env bash
# Makes sure that the software WebGPU adapters which the tests need are on this machine. Run by `npm test` and
# `npm run test:fixtures`; quick when nothing is missing.
#
# Linux x64: lavapipe and SwiftShader for Dawn in Node, and Chromium (which brings SwiftShader). As root, what is
# missing is installed with apt; otherwise the command to run is printed and the exit status is 1.
# Elsewhere: nothing to do. The tests use the machine's own adapter and an installed Chromium or Chrome.
#
# The layer (lvpfix.c) is there because Mesa 22.3's lavapipe denies two image features that Dawn demands and an engine
# that only computes never uses. It is compiled once into ${FENNEC_ADAPTER_DIR:-~/.cache/fennec-adapter}.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
layer_dir=${FENNEC_ADAPTER_DIR:-$HOME/.cache/fennec-adapter}
layer=$layer_dir/liblvpfix.so

if [[ $(uname -s)-$(uname -m) != Linux-x86_64 ]]; then
  echo "adapters: $(uname -s) $(uname -m): the machine's own adapter and browser are used"
  exit 0
fi

stale_layer() { [[ ! -e $layer || $here/lvpfix.c -nt $layer || $here/VkLayer_lvpfix.json -nt $layer ]]; }

# Where the distribution's chromium is of another shape (a snap), both names can be given.
chromium=${FENNEC_CHROMIUM:-/usr/bin/chromium}
swiftshader=${FENNEC_SWIFTSHADER_ICD:-/usr/lib/chromium/vk_swiftshader_icd.json}

packages=()
[[ -x $chromium && -e $swiftshader ]] || packages+=(chromium)
[[ -e /usr/share/vulkan/icd.d/lvp_icd.x86_64.json ]] || packages+=(mesa-vulkan-drivers)
[[ -e /usr/lib/x86_64-linux-gnu/libvulkan.so.1 ]] || packages+=(libvulkan1)
if stale_layer; then
  command -v gcc >/dev/null || packages+=(gcc)
  [[ -e /usr/include/stdlib.h ]] || packages+=(libc6-dev)
  [[ -e /usr/include/vulkan/vk_layer.h ]] || packages+=(libvulkan-dev)
fi

if ((${#packages[@]})); then
  if ((EUID != 0)); then
    echo "adapters: missing ${packages[*]}. Run this, then repeat:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]}" >&2
    exit 1
  fi
  echo "adapters: installing ${packages[*]}"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
fi

if [[ ! -x $chromium || ! -e $swiftshader ]]; then
  echo "adapters: no $chromium or no $swiftshader. Name Chromium or Chrome in FENNEC_CHROMIUM and the file" >&2
  echo "  vk_swiftshader_icd.json that lies beside it in FENNEC_SWIFTSHADER_ICD, then repeat." >&2
  exit 1
fi

if stale_layer; then
  mkdir -p "$layer_dir"
  gcc -O2 -shared -fPIC -fvisibility=hidden -o "$layer.$$" "$here/lvpfix.c"
  cp "$here/VkLayer_lvpfix.json" "$layer_dir/"
  mv "$layer.$$" "$layer"
fi
echo "adapters: lavapipe, SwiftShader and Chromium are installed"
