#!/bin/sh
# Checks and measures the GPU of a machine, and prints one table.
#
#   gpu/check.sh build DIR   on a machine with Rust: puts what is needed into DIR, less than 50 MB
#   DIR/check.sh             on the machine with the GPU, which needs neither Rust nor a network
set -eu
here=$(cd "$(dirname "$0")" && pwd)

if [ "${1:-}" = build ]; then
    into=${2:?usage: gpu/check.sh build DIR}
    mkdir -p "$into"
    cd "$here/.."
    cargo build --release --package bfc-runtime --example gpu_check
    cp "${CARGO_TARGET_DIR:-target}/release/examples/gpu_check" gpu/check.sh "$into/"
    strip "$into/gpu_check"
    du -sh "$into"
    exit
fi

date -u '+%Y-%m-%d %H:%M UTC'
if ! command -v nvidia-smi >/dev/null || ! nvidia-smi -L >/dev/null 2>&1; then
    # A driver without its tools is found by the program.
    echo "nvidia-smi finds no GPU"
else
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
fi
uname -sr
# Several ranks on one GPU, and few blocks for each: exhausted multiprocessors hang.
export NCCL_MULTI_RANK_GPU_ENABLE=1 NCCL_MAX_CTAS=2
status=0
timeout 300 "$here/gpu_check" || status=$?
case $status in
0) echo "all checks passed" ;;
2) echo "skipped: this machine has no GPU that can be used" ;;
124) echo "FAILED: not done after 5 minutes" ;;
*) echo "FAILED" ;;
esac
exit $status
