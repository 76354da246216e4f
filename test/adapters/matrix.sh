#!/usr/bin/env bash
# Runs the kernels on subgroup matrices on real ones, without a GPU: Mesa 26's lavapipe has them (8 x 8 x 8, f16 with sums
# in f32), older ones do not. It comes in a Debian tree of its own, so that this system's drivers stay as they are.
#
#   sudo bash test/adapters/matrix.sh DIR [arguments of vitest]
#
# DIR is made when it is not there (debootstrap; some 300 MB are downloaded) and can be deleted afterwards. Not part of
# `npm test`. With a GPU and driver of one's own: FENNEC_MATRIX_DRIVER=/path/to/icd.json npx vitest run --project matrix
set -euo pipefail

dir=${1:?which folder for the Debian tree?}
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
driver=/usr/share/vulkan/icd.d/lvp_icd.json

if ((EUID != 0)); then
  echo "matrix: needs root, for debootstrap and chroot" >&2
  exit 1
fi

if [[ ! -e $dir$driver ]]; then
  command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap >&2
  # A debootstrap older than this release knows no script for it; sid's is the same.
  scripts=/usr/share/debootstrap/scripts
  script=$scripts/forky
  [[ -e $script ]] || script=$scripts/sid
  # From where this system has its own packages.
  mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)}
  debootstrap --variant=minbase --include=mesa-vulkan-drivers,libvulkan1 forky "$dir" "$mirror" "$script"
fi

install -D "$(readlink -f "$(command -v node)")" "$dir/usr/local/bin/node"
mkdir -p "$dir$root"

# Mounts are of this process alone and end with it.
exec unshare --mount --propagation private bash -c '
  set -euo pipefail
  dir=$1 root=$2 driver=$3
  shift 3
  mount --bind "$root" "$dir$root"
  mount --rbind /dev "$dir/dev"
  mount -t proc proc "$dir/proc"
  exec chroot "$dir" /usr/bin/env -C "$root" HOME=/root XDG_RUNTIME_DIR=/tmp FENNEC_MATRIX_DRIVER="$driver" \
    /usr/local/bin/node node_modules/vitest/vitest.mjs run --project matrix "$@"
' matrix "$dir" "$root" "$driver" "$@"
