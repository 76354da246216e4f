#!/bin/sh
# Runs the benchmark on this machine: ./run.sh [minutes] [small]. Needs a Vulkan driver and nothing else.
# VK_DRIVER_FILES names a driver's file (icd.json) when none is found, or another one is wanted.
here=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export HOME="${HOME:-$here}" XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}"

if [ -z "$VK_DRIVER_FILES" ] && [ -z "$VK_ICD_FILENAMES" ]; then
  for folder in /usr/share/vulkan/icd.d /etc/vulkan/icd.d; do
    [ -f "$folder/nvidia_icd.json" ] && export VK_DRIVER_FILES="$folder/nvidia_icd.json"
  done
  # Containers often have NVIDIA's library without the file that names it.
  if [ -z "$VK_DRIVER_FILES" ]; then
    for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
      found=$(ls /usr/lib/x86_64-linux-gnu/$library /usr/lib64/$library /usr/local/nvidia/lib64/$library 2>/dev/null | head -n 1)
      if [ -n "$found" ]; then
        printf '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.3.0"}}\n' "$found" > "$here/nvidia_icd.json"
        export VK_DRIVER_FILES="$here/nvidia_icd.json"
        break
      fi
    done
  fi
fi
echo "Vulkan driver: ${VK_DRIVER_FILES:-the system's own}"
exec "$here/node" "$here/run.mjs" "$@"
